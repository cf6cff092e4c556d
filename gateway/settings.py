"""Settings of the server: typed, with defaults that are safe on one person's machine; `SESSIOND_…` overrides."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from ..actors.core.errors import Fault, InvalidInput
from ..actors.core.faults import fault_of
from ..actors.http_policy import HttpPolicy
from ..actors.options import Options
from .logs import LogFormat

PREFIX: Final = "SESSIOND_"
LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")

Seconds = Annotated[float, Meta(gt=0)]
Size = Annotated[int, Meta(ge=1)]


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a server runs. Each field is `SESSIOND_<NAME>` in the environment; lists are comma-separated.

    Attributes:
        store: URL of the store: `sqlite:///file.db`, `redis://host/0`, `memory://`.
        store_wait_s: seconds that the server waits for a store that is away at its start, alive but not ready.
        host: address to listen on. Without `keys` or `jwt_key` only loopback, unless `allow_anonymous`.
        port: 0 takes a free one.
        workflows: files to register at the start, JSON or YAML.
        nodes: modules to import at the start, for the node types and tools they register.
        http: whether `http` nodes may call other servers.
        http_hosts: the only hosts that they may call, `*` for any characters; all if empty.
        http_private: networks that they may call although they aren't public, such as `10.1.0.0/16`.
        keys: file of API keys, as `sessiond key new` makes them; read again when it changes, or at a SIGHUP.
        jwt_key: file with the key that signs tokens: the secret for HS256, else the public key in PEM.
        jwt_algorithm: the only one that tokens may be signed with.
        jwt_issuer: what tokens must say as `iss`, if set.
        jwt_audience: what tokens must say as `aud`, if set.
        auth_check_s: seconds until a key that was removed, or a token that ran out, ends its open streams, and until
            a new certificate is shown.
        max_auth_failures: wrong credentials that an address may send a minute, and at once, before it is answered
            429; 0 for any number, as behind a proxy, where all requests come from one address.
        tls_cert: file with the server's certificate in PEM, and behind it those between it and its authority: HTTPS
            and wss only; read again when it changes, or at a SIGHUP.
        tls_key: file with the certificate's private key in PEM, without a passphrase.
        allow_anonymous: serve other machines without authentication.
        allowed_hosts: names that this server answers to, besides those of loopback; any if empty, except on
            loopback without authentication.
        allowed_origins: web origins, other than our own, whose pages may use the API and open WebSockets.
        max_body: bytes of a request's body.
        max_header: bytes of a request's line and headers.
        max_message: bytes of a message on a WebSocket.
        max_depth: levels to which JSON from clients may be nested.
        max_buffer: bytes of live events that a stream of one session may have waiting; over it, they are dropped
            and read from the log again.
        ws_compression: whether messages on WebSockets are compressed for clients that offer it; saves network and
            costs CPU.
        backlog: connections that may wait to be accepted; the system may have a lower limit.
        max_streams: WebSockets and SSE streams open at once.
        max_subscriptions: sessions that one WebSocket may follow at once.
        max_commands_s: commands that one WebSocket may send a second, and at once.
        max_answers: answers to requests with an Idempotency-Key that are kept.
        max_answer_bytes: bytes of all of them.
        answers_s: seconds for which they are kept.
        wait_s: seconds that a request may wait for a session at most, whatever it asks for.
        traces: where spans go: `off` records none, `console` writes them to stderr, `otlp` sends them by the OTLP
            over HTTP; needs the extra `sessiond[otel]`.
        log_format: `text` for people, `json` for machines; to stderr.
        log_level: what is logged at least: `debug`, `info`, `warning` or `error`.
        access_log: whether each answered request is logged; those that failed inside always are.
        max_tenant_streams: the same, for one tenant.
        max_tenant_subscriptions: sessions that one tenant follows over WebSockets and SSE streams.
        max_tenant_sessions: unfinished sessions of one tenant; 0 for any number.
        commands_per_s: requests that change something, and commands on WebSockets, for one tenant; twice as many
            at once; 0 for any number.
        spare_files: file descriptors that connections must leave for the store and for files.
        idle_s: seconds a connection may wait for its next request, or take to send its headers.
        body_s: seconds a request's body may take to arrive.
        ping_s: seconds between pings on a WebSocket and heartbeats on an SSE stream.
        stall_s: seconds without a sign of life after which a stream is closed, or any connection whose client takes
            less than 256 bytes a second of what waits for it.
        drain_s: seconds that requests under way have when the server stops.
        answer_s: seconds after which a command whose commit is still under way is answered as unknown.
        passivate_s: seconds, at least, after which a session in which nothing happens leaves memory.
        retain_s: seconds after which a session that has ended is deleted, with its events; 0 keeps it.
        log_limit_events: events, about, that are kept of a session's log, once a snapshot covers the others; 0 for all.
        log_limit_bytes: the same in bytes.
        model_tokens_per_minute: of language models, input and output together, that the agents of one tenant may use,
            and as many at once; over it they wait before their next call; 0 for any number.
        strict_durability: refuse a store whose settings may lose acknowledged data.
    """

    store: str = "sqlite:///sessions.db"
    store_wait_s: Annotated[float, Meta(ge=0)] = 60.0
    host: str = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65_535)] = 8080
    workflows: tuple[str, ...] = ()
    nodes: tuple[str, ...] = ()
    http: bool = False
    http_hosts: tuple[str, ...] = ()
    http_private: tuple[str, ...] = ()
    keys: str | None = None
    jwt_key: str | None = None
    jwt_algorithm: Literal["HS256", "RS256", "EdDSA"] | None = None
    jwt_issuer: str | None = None
    jwt_audience: str | None = None
    auth_check_s: Seconds = 1.0
    max_auth_failures: Annotated[int, Meta(ge=0)] = 60
    tls_cert: str | None = None
    tls_key: str | None = None
    allow_anonymous: bool = False
    allowed_hosts: tuple[str, ...] = ()
    allowed_origins: tuple[str, ...] = ()
    max_body: Size = 1_048_576
    max_header: Annotated[int, Meta(ge=1_024)] = 32_768
    max_message: Annotated[int, Meta(ge=1_024)] = 65_536
    max_depth: Annotated[int, Meta(ge=8, le=512)] = 64
    max_buffer: Size = 262_144
    ws_compression: bool = False
    backlog: Size = 4_096
    max_streams: Size = 10_000
    max_subscriptions: Size = 64
    max_commands_s: Size = 100
    max_answers: Size = 10_000
    max_answer_bytes: Size = 67_108_864
    answers_s: Seconds = 86_400.0
    wait_s: Seconds = 120.0
    traces: Literal["off", "console", "otlp"] = "off"
    log_format: LogFormat = "text"
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    access_log: bool = True
    max_tenant_streams: Size = 10_000
    max_tenant_subscriptions: Size = 20_000
    max_tenant_sessions: Annotated[int, Meta(ge=0)] = 0
    commands_per_s: Annotated[float, Meta(ge=0)] = 5_000.0
    spare_files: Size = 64
    idle_s: Seconds = 75.0
    body_s: Seconds = 30.0
    ping_s: Seconds = 20.0
    stall_s: Seconds = 60.0
    drain_s: Seconds = 10.0
    answer_s: Seconds = 10.0
    passivate_s: Seconds = 300.0
    retain_s: Annotated[float, Meta(ge=0)] = 0.0
    log_limit_events: Annotated[int, Meta(ge=0)] = 0
    log_limit_bytes: Annotated[int, Meta(ge=0)] = 0
    model_tokens_per_minute: Annotated[int, Meta(ge=0)] = 0
    strict_durability: bool = False

    @classmethod
    def read(cls, environ: Mapping[str, str], **given: Any) -> Settings:
        """Return the settings in `environ`; what is `given`, and isn't None, goes first.

        Raises:
            InvalidInput: with every fault, by the variable's name.
        """
        faults: list[Fault] = []
        found: dict[str, Any] = {}
        for field in msgspec.structs.fields(cls):
            name = PREFIX + field.encode_name.upper()
            text = environ.get(name)
            if text is None:
                continue
            listed = field.default == ()
            value = [item.strip() for item in text.split(",") if item.strip()] if listed else text
            try:
                found[field.encode_name] = msgspec.convert(value, field.type, strict=False)
            except msgspec.ValidationError as error:
                faults.append(fault_of(error, name))
        if faults:
            raise InvalidInput(faults, "the environment")
        found.update({name: value for name, value in given.items() if value is not None})
        try:
            return msgspec.convert(found, cls)
        except msgspec.ValidationError as error:
            raise InvalidInput([fault_of(error, "$")], "the settings") from None

    def http_policy(self) -> HttpPolicy | None:
        """Return what `http` nodes may call, None for nothing.

        Raises:
            InvalidInput: a private network isn't one.
        """
        return HttpPolicy(hosts=self.http_hosts, private=self.http_private) if self.http else None

    def options(self) -> Options:
        """Return how the runtime is to behave.

        Raises:
            InvalidInput: a private network isn't one.
        """
        return Options(
            http=self.http_policy(),
            answer_s=self.answer_s,
            passivate_s=self.passivate_s,
            retain_s=self.retain_s or None,
            log_limit_events=self.log_limit_events or None,
            log_limit_bytes=self.log_limit_bytes or None,
            model_tokens_per_minute=self.model_tokens_per_minute or None,
            strict_durability=self.strict_durability,
        )

    @property
    def authenticates(self) -> bool:
        """Whether callers have to say who they are."""
        return self.keys is not None or self.jwt_key is not None

    @property
    def bares_tokens(self) -> bool:
        """Whether tokens travel in the clear, unless there is a proxy that nothing here hints at."""
        hinted = bool(self.allowed_hosts) or self.max_auth_failures == 0
        return self.host not in LOOPBACK and self.authenticates and self.tls_cert is None and not hinted

    def check_exposure(self) -> None:
        """Refuse to serve other machines to anybody.

        Raises:
            InvalidInput: the address isn't loopback and nothing says that this is wanted.
        """
        if self.host not in LOOPBACK and not self.authenticates and not self.allow_anonymous:
            message = (
                f"{self.host!r} can be reached from other machines, and there is no authentication. Make a key by "
                f"`sessiond key new --tenant default --role admin --keys keys.jsonl` and set {PREFIX}KEYS=keys.jsonl, "
                f"or set {PREFIX}JWT_KEY and {PREFIX}JWT_ALGORITHM for tokens of your own; listen on 127.0.0.1 behind "
                f"a proxy that authenticates; or let anybody in by {PREFIX}ALLOW_ANONYMOUS=1"
            )
            raise InvalidInput([Fault("host", message)], "the settings")
