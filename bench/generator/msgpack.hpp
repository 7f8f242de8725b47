// As much MessagePack as Deskbell's frames need, written and read in place.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "failure.hpp"

namespace bench {

class MsgpackWriter {
 public:
  /// A map of at most 15 pairs follows.
  MsgpackWriter& map(unsigned pairs) { return byte(0x80 | pairs); }

  MsgpackWriter& text(std::string_view value) {
    if (value.size() < 32) {
      byte(0xa0 | static_cast<unsigned>(value.size()));
    } else if (value.size() < 256) {
      byte(0xd9).byte(static_cast<unsigned>(value.size()));
    } else {
      byte(0xda).big_endian(value.size(), 2);
    }
    bytes_.append(value);
    return *this;
  }

  MsgpackWriter& number(std::uint64_t value) {
    return value < 128 ? byte(static_cast<unsigned>(value)) : byte(0xcf).big_endian(value, 8);
  }

  std::string_view bytes() const { return bytes_; }

 private:
  MsgpackWriter& byte(unsigned value) {
    bytes_ += static_cast<char>(value);
    return *this;
  }

  MsgpackWriter& big_endian(std::uint64_t value, unsigned size) {
    while (size-- > 0) byte(static_cast<unsigned>(value >> (8 * size) & 0xff));
    return *this;
  }

  std::string bytes_;
};

class MsgpackReader {
 public:
  explicit MsgpackReader(std::string_view bytes) : rest_(bytes) {}

  /// What is left; at the start of a value, that value and all after it.
  std::string_view rest() const { return rest_; }

  std::size_t map() {
    const unsigned head = byte();
    if ((head & 0xf0) == 0x80) return head & 0x0f;
    if (head == 0xde) return big_endian(2);
    if (head == 0xdf) return big_endian(4);
    fail("not a MessagePack map: ", head);
  }

  std::size_t array() {
    const unsigned head = byte();
    if ((head & 0xf0) == 0x90) return head & 0x0f;
    if (head == 0xdc) return big_endian(2);
    if (head == 0xdd) return big_endian(4);
    fail("not a MessagePack array: ", head);
  }

  std::string_view text() {
    const unsigned head = byte();
    if ((head & 0xe0) == 0xa0) return take(head & 0x1f);
    if (head == 0xd9) return take(big_endian(1));
    if (head == 0xda) return take(big_endian(2));
    if (head == 0xdb) return take(big_endian(4));
    fail("not a MessagePack text: ", head);
  }

  std::uint64_t number() {
    const unsigned head = byte();
    if (head < 0x80) return head;
    if (head >= 0xcc && head <= 0xcf) return big_endian(1U << (head - 0xcc));
    fail("not a MessagePack unsigned number: ", head);
  }

  /// Passes over one value of any kind.
  void skip() {
    const unsigned head = byte();
    if (head < 0x80 || head >= 0xe0 || head == 0xc0 || head == 0xc2 || head == 0xc3) return;
    if (head < 0x90) return skip_values(2 * (head & 0x0f));
    if (head < 0xa0) return skip_values(head & 0x0f);
    if (head < 0xc0) return static_cast<void>(take(head & 0x1f));
    if (head <= 0xc6 && head >= 0xc4) return static_cast<void>(take(big_endian(1U << (head - 0xc4))));
    if (head == 0xca || head == 0xcb) return static_cast<void>(take(head == 0xca ? 4 : 8));
    if (head >= 0xcc && head <= 0xd3) return static_cast<void>(take(1U << ((head - 0xcc) % 4)));
    if (head >= 0xd9 && head <= 0xdb) return static_cast<void>(take(big_endian(1U << (head - 0xd9))));
    if (head == 0xdc || head == 0xdd) return skip_values(big_endian(head == 0xdc ? 2 : 4));
    if (head == 0xde || head == 0xdf) return skip_values(2 * big_endian(head == 0xde ? 2 : 4));
    fail("MessagePack extensions are not used here: ", head);
  }

 private:
  unsigned byte() { return static_cast<unsigned char>(take(1).front()); }

  std::uint64_t big_endian(std::size_t size) {
    std::uint64_t value = 0;
    for (const char c : take(size)) value = value << 8 | static_cast<unsigned char>(c);
    return value;
  }

  std::string_view take(std::size_t size) {
    if (size > rest_.size()) fail("a MessagePack value is cut off");
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }

  void skip_values(std::size_t count) {
    while (count-- > 0) skip();
  }

  std::string_view rest_;
};

}  // namespace bench
