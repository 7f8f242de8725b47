#include "socketio.hpp"

namespace bench {
namespace {

/// The text between `before` and the next `end`: enough for the peer's flat, unescaped events.
std::string_view between(std::string_view text, std::string_view before, std::string_view end) {
  const std::size_t start = text.find(before);
  if (start == std::string_view::npos) fail("no ", before, " in ", text);
  const std::size_t from = start + before.size();
  return text.substr(from, text.find_first_of(end, from) - from);
}

std::string_view text_field(std::string_view json, std::string_view name) {
  return between(json, "\"" + std::string(name) + "\":\"", "\"");
}

std::string_view number_field(std::string_view json, std::string_view name) {
  return between(json, "\"" + std::string(name) + "\":", ",}");
}

Number to_number(std::string_view digits) {
  Number number = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return number;
}

std::size_t count(std::string_view text, std::string_view part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string_view::npos;
       at = text.find(part, at + part.size())) {
    ++found;
  }
  return found;
}

}  // namespace

SocketioSession::SocketioSession(const Member& member, std::size_t index, Listener& listener)
    : WebsocketSession(member, index, listener, "/socket.io/?EIO=4&transport=websocket", "") {}

void SocketioSession::send_message(Number number) {
  const auto text = text_of(number);
  const std::string digits = std::to_string(number);
  send_frame(Opcode::text, "42" + digits + "[\"message\",{\"conversation\":\"" +
                               member.conversation + "\",\"number\":" + digits + ",\"body\":\"" +
                               std::string(text.data(), text.size()) + "\"}]");
}

void SocketioSession::send_receipt(Number number) {
  send_frame(Opcode::text, "42[\"receipt\",{\"number\":" + std::to_string(number) + ",\"id\":" +
                               std::string(last_id_) + ",\"to\":\"" + std::string(last_author_) +
                               "\"}]");
}

void SocketioSession::request_page(unsigned limit) {
  send_frame(Opcode::text, "42" + std::to_string(pages_++) + "[\"history\",{\"conversation\":\"" +
                               member.conversation + "\",\"limit\":" + std::to_string(limit) +
                               "}]");
}

void SocketioSession::frame_received(std::string_view payload) {
  if (payload == "2") return send_frame(Opcode::text, "3");  // the heartbeat
  if (payload.starts_with("0")) {
    return send_frame(Opcode::text, "40{\"person\":\"" + member.name + "\",\"secret\":\"" +
                                        member.secret + "\",\"conversation\":\"" +
                                        member.conversation + "\"}");
  }
  if (payload.starts_with("40") && !ready_) {
    ready_ = true;
    return listener.ready(*this);
  }
  if (payload.starts_with("42")) return event_received(payload);
  if (payload.starts_with("43")) return answer_received(payload);
  fail("unexpected from socket.io: ", payload);
}

void SocketioSession::event_received(std::string_view event) {
  if (event.starts_with("42[\"message\"")) {
    const Number number = to_number(number_field(event, "number"));
    if (number_in(text_field(event, "body")) != number) fail("number and body differ: ", event);
    last_id_ = number_field(event, "id");
    last_author_ = text_field(event, "from");
    return listener.message(*this, number);
  }
  if (event.starts_with("42[\"receipt\"")) {
    return listener.receipt(*this, text_field(event, "by"),
                            to_number(number_field(event, "number")));
  }
  fail("an unknown event: ", event);
}

void SocketioSession::answer_received(std::string_view answer) {
  if (answer.find("\"messages\":") != std::string_view::npos) {
    return listener.page(*this, count(answer, "\"body\":\""));
  }
  listener.ack(*this, to_number(number_field(answer, "number")));
}

}  // namespace bench
