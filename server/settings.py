"""What can be set: one frozen structure, filled from a TOML file and the environment."""

import msgspec

from domain.attachments import CHANNELS, IMAGE_BYTES, Channel, Kind, Policy
from domain.limits import Limits


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Every setting with its default; `docs/operations.md` explains each."""

    host: str = "127.0.0.1"
    port: int = 8000
    data_dir: str = "./data"
    origins: tuple[str, ...] = ()
    public_url: str = ""
    log_level: str = "info"
    log_format: str = "text"
    readers: int = 2
    token_seconds: int = 300
    session_token_seconds: int = 604_800
    sign_in_seconds: int = 2_592_000
    proxies: int = 0
    hello_seconds: float = 10.0
    drain_seconds: float = 10.0
    resume_limit: int = 20_000
    connections: int = 20_000
    connections_per_address: int = 0
    metrics_public: bool = False
    frame_bytes: int = Limits().frame_bytes
    text_bytes: int = Limits().text_bytes
    members: int = Limits().members
    commands_per_second: int = Limits().commands_per_second
    commands_burst: int = Limits().commands_burst
    sends_in_flight: int = Limits().sends_in_flight
    devices: int = Limits().devices
    mailbox_size: int = 1000
    idle_seconds: float = 300.0
    live_conversations: int = 10_000
    webhook_seconds: float = 5.0
    webhook_private_addresses: bool = False
    idempotency_seconds: int = 86_400
    idempotency_answers: int = 100_000
    image_bytes: int = IMAGE_BYTES
    video_bytes: int = CHANNELS[Channel.IN_APP].bytes_below[Kind.VIDEO]
    document_bytes: int = CHANNELS[Channel.IN_APP].bytes_below[Kind.DOCUMENT]
    image_pixels: int = 25_000_000
    uploads: int = 20
    upload_bytes: int = 256 * 2**20
    upload_seconds: int = 86_400
    link_seconds: int = 300
    attachment_scan_command: tuple[str, ...] = ()

    def limits(self) -> Limits:
        """What clients are told in `welcome`."""
        return Limits(
            frame_bytes=self.frame_bytes,
            text_bytes=self.text_bytes,
            members=self.members,
            commands_per_second=self.commands_per_second,
            commands_burst=self.commands_burst,
            sends_in_flight=self.sends_in_flight,
            devices=self.devices,
        )

    def attachment_policy(self) -> Policy:
        """What people may attach in the app."""
        return Policy(
            {
                Kind.IMAGE: self.image_bytes,
                Kind.VIDEO: self.video_bytes,
                Kind.DOCUMENT: self.document_bytes,
            }
        )
