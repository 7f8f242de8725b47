// The socket.io peer (bench/peers/socketio): Engine.IO 4 over a websocket, JSON events.
#pragma once

#include "websocket.hpp"

namespace bench {

class SocketioSession : public WebsocketSession {
 public:
  SocketioSession(const Member& member, std::size_t index, Listener& listener);

  void send_message(Number number) override;
  void send_receipt(Number number) override;
  void request_page(unsigned limit) override;

 private:
  void upgraded() override {}
  void frame_received(std::string_view payload) override;
  void event_received(std::string_view event);
  void answer_received(std::string_view answer);

  bool ready_ = false;
  std::string_view last_id_;      // of the message being handled
  std::string_view last_author_;
  std::uint64_t pages_ = 0;
};

}  // namespace bench
