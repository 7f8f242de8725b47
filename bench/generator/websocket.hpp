// The client's side of RFC 6455: handshake, masking, frames. No extensions, no fragments.
#pragma once

#include <string>

#include "session.hpp"

namespace bench {

enum class Opcode : unsigned char { text = 1, binary = 2, close = 8, ping = 9, pong = 10 };

class WebsocketSession : public Session {
 public:
  WebsocketSession(const Member& member, std::size_t index, Listener& listener, std::string path,
                   std::string subprotocol);

 protected:
  /// The handshake succeeded.
  virtual void upgraded() = 0;
  virtual void frame_received(std::string_view payload) = 0;

  void send_frame(Opcode opcode, std::string_view payload);

 private:
  void opened() final;
  std::size_t received(std::string_view bytes) final;
  std::size_t handshake(std::string_view bytes);
  void handle(Opcode opcode, std::string_view payload);

  const std::string path_;
  const std::string subprotocol_;
  bool upgraded_ = false;
};

}  // namespace bench
