// XMPP over TCP (ejabberd): SASL PLAIN, XEP-0184 receipts, XEP-0045 rooms, XEP-0313 archive.
#pragma once

#include "session.hpp"

namespace bench {

/// What the session does after it has bound its resource.
enum class XmppPlace { direct, room };

class XmppSession : public Session {
 public:
  XmppSession(const Member& member, std::size_t index, Listener& listener, XmppPlace place);

  void send_message(Number number) override;
  void send_receipt(Number number) override;
  void request_page(unsigned limit) override;

 private:
  enum class Step { features, authenticated, bind_features, bound, joining, ready };

  void opened() override;
  std::size_t received(std::string_view bytes) override;
  void open_stream();
  void stanza_received(std::string_view stanza);
  void negotiate(std::string_view stanza);
  void join();
  void become_ready();
  void message_received(std::string_view stanza);
  void iq_received(std::string_view stanza);

  const XmppPlace place_;
  Step step_ = Step::features;
  std::string_view last_author_;  // of the message being handled
  std::size_t page_messages_ = 0;
};

}  // namespace bench
