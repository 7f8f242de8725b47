// What every workload shares: its sessions, its meter, and how it starts and stops.
#pragma once

#include <memory>
#include <vector>

#include "measure.hpp"
#include "session.hpp"

namespace bench {

class Workload : public Listener {
 public:
  explicit Workload(Meter& meter) : meter(meter) {}

  /// Takes a session of the roster, in the roster's order, before any of them connects.
  void add(Session& session) { sessions.push_back(&session); }

  /// All sessions are ready: begin.
  virtual void start() {}
  /// Issue nothing more.
  void stop() { running = false; }
  /// Everything that was issued is complete.
  virtual bool complete() const { return true; }

  std::size_t ready_count() const { return ready_; }

  void ready(Session&) override { ++ready_; }
  void message(Session& session, Number) override { unexpected(session, "message"); }
  void ack(Session& session, Number) override { unexpected(session, "ack"); }
  void receipt(Session& session, std::string_view, Number) override {
    unexpected(session, "receipt");
  }
  void page(Session& session, std::size_t) override { unexpected(session, "page"); }

 protected:
  [[noreturn]] static void unexpected(const Session& session, std::string_view what) {
    fail(session.member.name, " got a ", what, " that nobody asked for");
  }

  Meter& meter;
  std::vector<Session*> sessions;
  bool running = true;

 private:
  std::size_t ready_ = 0;
};

/// The next number that must come: any other is a gap, a duplicate or a change of order.
class Sequence {
 public:
  void expect(const Session& session, std::string_view what, Number number) {
    if (number != next_) {
      fail(session.member.name, ": ", what, " ", number, " came where ", next_, " was due (a ",
           number < next_ ? "duplicate or a change of order" : "gap", ")");
    }
    ++next_;
  }

  /// The same for a receipt at its author, where one may stand for several messages if the protocol
  /// says so. Returns the first it stands for; `number` is the last.
  Number expect_receipt(const Session& author, Number number) {
    const Number first = next_;
    if (author.cumulative_receipts() && number > first) next_ = number;
    expect(author, "receipt", number);
    return first;
  }

  Number next() const { return next_; }

 private:
  Number next_ = 0;
};

std::unique_ptr<Workload> w1_pairs(Meter& meter, unsigned window);
std::unique_ptr<Workload> w2_room(Meter& meter, unsigned window, bool with_receipts);
std::unique_ptr<Workload> w3_idle(Meter& meter);
std::unique_ptr<Workload> w4_pages(Meter& meter);

}  // namespace bench
