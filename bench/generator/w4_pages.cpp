// W4: what does it cost to read the last 50 messages of a long conversation? Every session asks
// again as soon as it has its answer. Unit: a page.
#include "workload.hpp"

namespace bench {
namespace {

constexpr unsigned kPageSize = 50;

class Pages : public Workload {
 public:
  using Workload::Workload;

  void start() override {
    asked_.resize(sessions.size());
    for (Session* session : sessions) ask(*session);
  }

  bool complete() const override { return waiting_ == 0; }

  void page(Session& session, std::size_t messages) override {
    if (messages != kPageSize) fail("a page of ", messages, " messages instead of ", kPageSize);
    --waiting_;
    meter.record(session.now() - asked_[session.index]);
    if (running) ask(session);
  }

 private:
  void ask(Session& session) {
    ++waiting_;
    asked_[session.index] = monotonic_now();
    session.request_page(kPageSize);
  }

  std::vector<Nanoseconds> asked_;  // by session
  std::size_t waiting_ = 0;
};

}  // namespace

std::unique_ptr<Workload> w4_pages(Meter& meter) { return std::make_unique<Pages>(meter); }

}  // namespace bench
