// W1: what does a message cost that one person sends to another and that is known to have arrived?
//
// The roster holds author, recipient, author, recipient … Every author keeps `window` messages in
// flight; a message is complete when its delivered receipt is back. Unit: a message.
#include <deque>

#include "workload.hpp"

namespace bench {
namespace {

struct Pair {
  std::deque<Nanoseconds> in_flight;  // when each was sent, oldest first
  Number next = 0;
  Sequence acks;
  Sequence deliveries;
  Sequence receipts;
};

class Pairs : public Workload {
 public:
  Pairs(Meter& meter, unsigned window) : Workload(meter), window_(window) {}

  void start() override {
    pairs_.resize(sessions.size() / 2);
    for (std::size_t i = 0; i < pairs_.size(); ++i) fill(pairs_[i], *sessions[2 * i]);
  }

  bool complete() const override {
    for (const Pair& pair : pairs_) {
      // XMPP has no ack of its own: there the receipt says it all.
      const bool acknowledged = pair.acks.next() == 0 || pair.acks.next() == pair.next;
      if (!pair.in_flight.empty() || !acknowledged) return false;
    }
    return true;
  }

  void message(Session& recipient, Number number) override {
    pair_of(recipient).deliveries.expect(recipient, "message", number);
    recipient.send_receipt(number);
  }

  void ack(Session& author, Number number) override {
    pair_of(author).acks.expect(author, "ack", number);
  }

  void receipt(Session& author, std::string_view by, Number number) override {
    Pair& pair = pair_of(author);
    if (by != sessions[author.index + 1]->member.name || number >= pair.next) {
      fail(author.member.name, " got a receipt of ", by, " for message ", number);
    }
    Number completed = pair.receipts.expect_receipt(author, number);
    for (; completed <= number; ++completed) {
      meter.record(author.now() - pair.in_flight.front());
      pair.in_flight.pop_front();
    }
    if (running) fill(pair, author);
  }

 private:
  Pair& pair_of(const Session& session) { return pairs_[session.index / 2]; }

  void fill(Pair& pair, Session& author) {
    while (pair.in_flight.size() < window_) {
      pair.in_flight.push_back(monotonic_now());
      author.send_message(pair.next++);
    }
  }

  const unsigned window_;
  std::vector<Pair> pairs_;
};

}  // namespace

std::unique_ptr<Workload> w1_pairs(Meter& meter, unsigned window) {
  return std::make_unique<Pairs>(meter, window);
}

}  // namespace bench
