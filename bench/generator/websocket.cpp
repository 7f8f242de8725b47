#include "websocket.hpp"

#include <cstring>
#include <utility>

namespace bench {
namespace {

constexpr std::size_t kIncomplete = 0;

struct Frame {
  Opcode opcode;
  std::string_view payload;
  std::size_t size;  // with its header; kIncomplete when more bytes must arrive first
};

std::uint64_t big_endian(const unsigned char* bytes, std::size_t count) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < count; ++i) value = value << 8 | bytes[i];
  return value;
}

Frame parse_frame(std::string_view bytes) {
  constexpr Frame incomplete{Opcode::text, {}, kIncomplete};
  if (bytes.size() < 2) return incomplete;
  const auto* head = reinterpret_cast<const unsigned char*>(bytes.data());
  std::uint64_t length = head[1] & 0x7f;
  std::size_t header = 2;
  if (length >= 126) {
    header = length == 126 ? 4 : 10;
    if (bytes.size() < header) return incomplete;
    length = big_endian(head + 2, header - 2);
  }
  if (bytes.size() < header + length) return incomplete;
  if ((head[0] & 0xf0) != 0x80 || (head[1] & 0x80) != 0) {
    fail("a fragmented, compressed or masked frame from the server");
  }
  return {static_cast<Opcode>(head[0] & 0x0f), bytes.substr(header, length), header + length};
}

std::uint32_t next_mask() {
  static std::uint32_t state = 0x9e3779b9;
  state ^= state << 13;
  state ^= state >> 17;
  state ^= state << 5;
  return state;
}

/// Eight bytes at a time: at 100,000 frames a second a byte-wise loop would show.
void apply_mask(char* bytes, std::size_t size, std::uint32_t mask) {
  const std::uint64_t wide = mask | static_cast<std::uint64_t>(mask) << 32;
  std::size_t i = 0;
  for (; i + sizeof wide <= size; i += sizeof wide) {
    std::uint64_t word;
    std::memcpy(&word, bytes + i, sizeof word);
    word ^= wide;
    std::memcpy(bytes + i, &word, sizeof word);
  }
  for (; i < size; ++i) bytes[i] ^= reinterpret_cast<const char*>(&mask)[i % 4];
}

}  // namespace

WebsocketSession::WebsocketSession(const Member& member, std::size_t index, Listener& listener,
                                   std::string path, std::string subprotocol)
    : Session(member, index, listener),
      path_(std::move(path)),
      subprotocol_(std::move(subprotocol)) {}

void WebsocketSession::opened() {
  std::string request = "GET " + path_ +
                        " HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
                        "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                        "Sec-WebSocket-Version: 13\r\n";
  if (!subprotocol_.empty()) request += "Sec-WebSocket-Protocol: " + subprotocol_ + "\r\n";
  write(request + "\r\n");
}

std::size_t WebsocketSession::handshake(std::string_view bytes) {
  const std::size_t end = bytes.find("\r\n\r\n");
  if (end == std::string_view::npos) return 0;
  const std::string_view answer = bytes.substr(0, end);
  if (!answer.starts_with("HTTP/1.1 101")) fail("the websocket was refused: ", answer);
  if (answer.find(subprotocol_) == std::string_view::npos) {
    fail("the server did not agree to the subprotocol ", subprotocol_);
  }
  upgraded_ = true;
  upgraded();
  return end + 4;
}

std::size_t WebsocketSession::received(std::string_view bytes) {
  std::size_t used = 0;
  if (!upgraded_) {
    used = handshake(bytes);
    if (!upgraded_) return 0;
  }
  for (;;) {
    const Frame frame = parse_frame(bytes.substr(used));
    if (frame.size == kIncomplete) return used;
    used += frame.size;
    handle(frame.opcode, frame.payload);
  }
}

void WebsocketSession::handle(Opcode opcode, std::string_view payload) {
  switch (opcode) {
    case Opcode::text:
    case Opcode::binary:
      return frame_received(payload);
    case Opcode::ping:
      return send_frame(Opcode::pong, payload);
    case Opcode::pong:
      return;
    case Opcode::close: {
      const auto* code = reinterpret_cast<const unsigned char*>(payload.data());
      fail("the server closed the websocket of ", name(), " with ",
           payload.size() < 2 ? 1005 : big_endian(code, 2), " ",
           payload.size() < 2 ? "" : payload.substr(2));
    }
  }
  fail("an unknown opcode from the server");
}

void WebsocketSession::send_frame(Opcode opcode, std::string_view payload) {
  std::string frame;
  frame.reserve(payload.size() + 8);
  frame += static_cast<char>(0x80 | static_cast<unsigned char>(opcode));
  if (payload.size() < 126) {
    frame += static_cast<char>(0x80 | payload.size());
  } else if (payload.size() < 65536) {
    frame += static_cast<char>(0x80 | 126);
    frame += static_cast<char>(payload.size() >> 8);
    frame += static_cast<char>(payload.size());
  } else {
    fail("a frame this large is not needed here");
  }
  const std::uint32_t mask = next_mask();
  frame.append(reinterpret_cast<const char*>(&mask), sizeof mask);
  const std::size_t header = frame.size();
  frame.append(payload);
  apply_mask(frame.data() + header, payload.size(), mask);
  write(frame);
}

}  // namespace bench
