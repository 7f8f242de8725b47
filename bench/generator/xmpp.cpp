#include "xmpp.hpp"

namespace bench {
namespace {

constexpr std::string_view kDomain = "localhost";
constexpr std::string_view kResource = "x";

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

/// The value of an attribute in the first tag of `text`, or nothing.
std::string_view attribute(std::string_view text, std::string_view name) {
  const std::string_view tag = text.substr(0, text.find('>'));
  const std::string start = " " + std::string(name) + "=";
  const std::size_t at = tag.find(start);
  if (at == std::string_view::npos) return {};
  const std::size_t from = at + start.size();
  return tag.substr(from + 1, tag.find(tag[from], from + 1) - from - 1);
}

std::string base64(std::string_view bytes) {
  constexpr std::string_view alphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string encoded;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t group = 0;
    for (std::size_t j = i; j < i + 3; ++j) {
      group = group << 8 | (j < bytes.size() ? static_cast<unsigned char>(bytes[j]) : 0U);
    }
    for (std::size_t j = 0; j < 4; ++j) {
      encoded += i + j > bytes.size() ? '=' : alphabet[group >> (18 - 6 * j) & 63];
    }
  }
  return encoded;
}

/// The end of the first whole child of the stream, or 0 when its end has not arrived yet.
std::size_t stanza_end(std::string_view bytes) {
  int depth = 0;
  for (std::size_t at = bytes.find('<'); at != std::string_view::npos; at = bytes.find('<', at)) {
    const std::size_t end = bytes.find('>', at);
    if (end == std::string_view::npos) return 0;
    const std::string_view tag = bytes.substr(at, end - at + 1);
    at = end + 1;
    const bool stands_alone =
        tag.starts_with("<?") || tag.starts_with("<stream:stream") || tag.starts_with("</stream:s");
    if (stands_alone) return at;
    if (tag.starts_with("</")) {
      --depth;
    } else if (tag[tag.size() - 2] != '/') {
      ++depth;
    }
    if (depth == 0) return at;
  }
  return 0;
}

}  // namespace

XmppSession::XmppSession(const Member& member, std::size_t index, Listener& listener,
                         XmppPlace place)
    : Session(member, index, listener), place_(place) {}

void XmppSession::send_message(Number number) {
  const auto text = text_of(number);
  const std::string_view body(text.data(), text.size());
  const bool in_room = place_ == XmppPlace::room;
  write("<message to='" + member.conversation + "' type='" + (in_room ? "groupchat" : "chat") +
        "' id='" + std::string(body.substr(0, kNumberDigits)) + "'><body>" + std::string(body) +
        "</body><request xmlns='urn:xmpp:receipts'/></message>");
}

void XmppSession::send_receipt(Number number) {
  const auto text = text_of(number);
  write("<message to='" + std::string(last_author_) +
        "' type='chat'><received xmlns='urn:xmpp:receipts' id='" +
        std::string(text.data(), kNumberDigits) + "'/></message>");
}

void XmppSession::request_page(unsigned limit) {
  page_messages_ = 0;
  write("<iq type='set' id='page'><query xmlns='urn:xmpp:mam:2'><x xmlns='jabber:x:data' "
        "type='submit'><field var='FORM_TYPE' type='hidden'><value>urn:xmpp:mam:2</value></field>"
        "<field var='with'><value>" +
        member.conversation +
        "</value></field></x><set xmlns='http://jabber.org/protocol/rsm'><max>" +
        std::to_string(limit) + "</max><before/></set></query></iq>");
}

void XmppSession::opened() { open_stream(); }

void XmppSession::open_stream() {
  write("<?xml version='1.0'?><stream:stream xmlns='jabber:client' "
        "xmlns:stream='http://etherx.jabber.org/streams' to='" +
        std::string(kDomain) + "' version='1.0'>");
}

std::size_t XmppSession::received(std::string_view bytes) {
  std::size_t used = 0;
  while (const std::size_t size = stanza_end(bytes.substr(used))) {
    const std::string_view stanza = bytes.substr(used, size);
    used += size;
    if (stanza.starts_with("<?") || stanza.starts_with("<stream:stream")) continue;
    if (stanza.starts_with("</stream:s")) fail("ejabberd ended the stream of ", name());
    stanza_received(stanza);
  }
  return used;
}

void XmppSession::stanza_received(std::string_view stanza) {
  if (step_ != Step::ready) return negotiate(stanza);
  if (stanza.starts_with("<message")) return message_received(stanza);
  if (stanza.starts_with("<iq")) return iq_received(stanza);
  if (stanza.starts_with("<stream:error")) fail("a stream error: ", stanza);
}

void XmppSession::negotiate(std::string_view stanza) {
  if (contains(stanza, "<failure") || contains(stanza, "<stream:error") ||
      contains(stanza, "type='error'")) {
    fail(name(), " cannot log in: ", stanza);
  }
  switch (step_) {
    case Step::features: {
      const std::string login = '\0' + member.name + '\0' + member.secret;
      write("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>" + base64(login) +
            "</auth>");
      step_ = Step::authenticated;
      return;
    }
    case Step::authenticated:
      open_stream();
      step_ = Step::bind_features;
      return;
    case Step::bind_features:
      write("<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>" +
            std::string(kResource) + (place_ == XmppPlace::room ? "" : std::to_string(index)) +
            "</resource></bind></iq>");
      step_ = Step::bound;
      return;
    case Step::bound:
      write("<presence/>");
      return join();
    case Step::joining:  // 110: this presence is the one of the session itself
      if (contains(stanza, "'110'")) become_ready();
      return;
    case Step::ready:
      return;
  }
}

void XmppSession::join() {
  if (place_ == XmppPlace::direct) return become_ready();
  write("<presence to='" + member.conversation + "/" + member.name +
        "'><x xmlns='http://jabber.org/protocol/muc'><history maxstanzas='0'/></x></presence>");
  step_ = Step::joining;
}

void XmppSession::become_ready() {
  step_ = Step::ready;
  listener.ready(*this);
}

void XmppSession::message_received(std::string_view stanza) {
  if (attribute(stanza, "type") == "error") fail("an error from ejabberd: ", stanza);
  if (contains(stanza, "<result ")) {
    ++page_messages_;
    return;
  }
  const std::string_view from = attribute(stanza, "from");
  if (const std::size_t at = stanza.find("<received"); at != std::string_view::npos) {
    Number number = 0;
    const std::string_view id = attribute(stanza.substr(at), "id");
    std::from_chars(id.data(), id.data() + id.size(), number, 16);
    const std::size_t cut = place_ == XmppPlace::room ? from.find('/') + 1 : 0;
    return listener.receipt(*this, from.substr(cut, from.find('@', cut) - cut), number);
  }
  const std::size_t body = stanza.find("<body>");
  if (body == std::string_view::npos) return;  // a subject, or what the room says of itself
  const Number number = number_in(stanza.substr(body + 6, kTextSize));
  const bool own = place_ == XmppPlace::room && from.ends_with("/" + member.name);
  if (own) return listener.ack(*this, number);
  last_author_ = from;
  listener.message(*this, number);
}

void XmppSession::iq_received(std::string_view stanza) {
  const std::string_view type = attribute(stanza, "type");
  if (type == "error") fail("an error from ejabberd: ", stanza);
  if (type == "result" && attribute(stanza, "id") == "page") {
    listener.page(*this, page_messages_);
  } else if (type == "get" && contains(stanza, "urn:xmpp:ping")) {
    write("<iq type='result' id='" + std::string(attribute(stanza, "id")) + "'/>");
  }
}

}  // namespace bench
