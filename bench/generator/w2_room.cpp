// W2: what does it cost to deliver a message to each of the people in one conversation?
// W2r: and when each of them answers with a delivered receipt, as a real client does?
//
// The first of the roster is the author and keeps `window` messages in flight; a message is complete
// when its ack and all its deliveries are there (W2r: and all its receipts are back with the author).
// Unit: a delivery to another member (W2r: its receipt at the author).
#include <deque>
#include <functional>
#include <unordered_map>

#include "workload.hpp"

namespace bench {
namespace {

struct InFlight {
  Nanoseconds sent;
  std::size_t outstanding;  // ack, deliveries and receipts still to come
};

/// Lets a map of strings be searched by a view into a frame.
struct TextHash : std::hash<std::string_view> {
  using is_transparent = void;
};

class Room : public Workload {
 public:
  Room(Meter& meter, unsigned window, bool with_receipts)
      : Workload(meter), window_(window), with_receipts_(with_receipts) {}

  void start() override {
    deliveries_.resize(sessions.size());
    receipts_.resize(sessions.size());
    for (const Session* session : sessions) member_index_[session->member.name] = session->index;
    fill();
  }

  bool complete() const override { return in_flight_.empty(); }

  void message(Session& member, Number number) override {
    if (member.index == kAuthor) unexpected(member, "message");
    deliveries_[member.index].expect(member, "message", number);
    const Nanoseconds sent = settle_one(number);
    if (with_receipts_) {
      member.send_receipt(number);
    } else {
      meter.record(member.now() - sent);
    }
    refill();
  }

  void ack(Session& author, Number number) override {
    acks_.expect(author, "ack", number);
    settle_one(number);
    refill();
  }

  void receipt(Session& author, std::string_view by, Number number) override {
    const auto member = member_index_.find(by);
    if (!with_receipts_ || author.index != kAuthor || member == member_index_.end()) {
      unexpected(author, "receipt");
    }
    Number settled = receipts_[member->second].expect_receipt(author, number);
    for (; settled <= number; ++settled) meter.record(author.now() - settle_one(settled));
    refill();
  }

 private:
  static constexpr std::size_t kAuthor = 0;

  /// One of the things a message waits for has come; returns when the message was sent.
  Nanoseconds settle_one(Number number) {
    if (number < completed_ || number - completed_ >= in_flight_.size()) {
      fail("message ", number, " is not in flight");
    }
    InFlight& message = in_flight_[number - completed_];
    --message.outstanding;
    return message.sent;
  }

  void refill() {
    while (!in_flight_.empty() && in_flight_.front().outstanding == 0) {
      in_flight_.pop_front();
      ++completed_;
    }
    if (running) fill();
  }

  void fill() {
    const std::size_t others = sessions.size() - 1;
    while (in_flight_.size() < window_) {
      in_flight_.push_back({monotonic_now(), 1 + others * (with_receipts_ ? 2 : 1)});
      sessions[kAuthor]->send_message(completed_ + in_flight_.size() - 1);
    }
  }

  const unsigned window_;
  const bool with_receipts_;
  std::deque<InFlight> in_flight_;  // the first is number `completed_`
  Number completed_ = 0;
  Sequence acks_;
  std::vector<Sequence> deliveries_;  // by member
  std::vector<Sequence> receipts_;    // by member
  std::unordered_map<std::string, std::size_t, TextHash, std::equal_to<>> member_index_;
};

}  // namespace

std::unique_ptr<Workload> w2_room(Meter& meter, unsigned window, bool with_receipts) {
  return std::make_unique<Room>(meter, window, with_receipts);
}

}  // namespace bench
