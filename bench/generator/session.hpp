// One authenticated client, whatever protocol it speaks, and what a workload hears from it.
#pragma once

#include <array>
#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>

#include "event_loop.hpp"
#include "failure.hpp"

namespace bench {

/// A message's place among the messages of its author in this run: 0, 1, 2 …
using Number = std::uint64_t;

/// One line of the roster: who connects, how they prove it, and where they talk.
struct Member {
  std::string name;
  std::string secret;
  std::string conversation;
};

class Session;

/// What a workload hears. A session that breaks its protocol throws Failure instead.
class Listener {
 public:
  virtual ~Listener() = default;
  /// Authenticated, and joined to its conversation.
  virtual void ready(Session& session) = 0;
  /// A message of another member arrived.
  virtual void message(Session& session, Number number) = 0;
  /// The server took responsibility for the message.
  virtual void ack(Session& session, Number number) = 0;
  /// A member has received the message; with cumulative receipts all before it, too.
  virtual void receipt(Session& author, std::string_view by, Number number) = 0;
  /// The page asked for has arrived.
  virtual void page(Session& session, std::size_t messages) = 0;
};

class Session : public Connection {
 public:
  Session(const Member& member, std::size_t index, Listener& listener)
      : member(member), index(index), listener(listener) {}

  virtual void send_message(Number number) = 0;
  /// Tells the author that the message was delivered to this member.
  virtual void send_receipt(Number number) = 0;
  /// Asks for the last messages of the conversation.
  virtual void request_page(unsigned limit) = 0;
  /// Whether one receipt may stand for several messages.
  virtual bool cumulative_receipts() const { return false; }

  const Member& member;
  const std::size_t index;  // line in the roster

 protected:
  std::string_view name() const override { return member.name; }

  Listener& listener;
};

constexpr std::size_t kTextSize = 100;
constexpr std::size_t kNumberDigits = 16;

/// The 100-byte text of a message: its number in hexadecimal, then filling.
inline std::array<char, kTextSize> text_of(Number number) {
  std::array<char, kTextSize> text;
  text.fill('x');
  for (std::size_t i = kNumberDigits; i-- > 0; number >>= 4) {
    text[i] = "0123456789abcdef"[number & 15];
  }
  return text;
}

/// Reads the number back and checks that the text arrived whole.
inline Number number_in(std::string_view text) {
  Number number = 0;
  const char* const end = text.data() + kNumberDigits;
  if (text.size() != kTextSize || text.back() != 'x' ||
      std::from_chars(text.data(), end, number, 16).ptr != end) {
    fail("a text came back damaged: ", text);
  }
  return number;
}

}  // namespace bench
