// W3: what does a session cost that is connected and silent? Unit: a connect, from the first byte
// of TCP to authenticated.
#include "workload.hpp"

namespace bench {
namespace {

class Idle : public Workload {
 public:
  using Workload::Workload;

  void ready(Session& session) override {
    Workload::ready(session);
    meter.record(session.now() - session.connecting_since());
  }
};

}  // namespace

std::unique_ptr<Workload> w3_idle(Meter& meter) { return std::make_unique<Idle>(meter); }

}  // namespace bench
