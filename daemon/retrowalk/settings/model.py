"""Every table and key of retrowalk.toml, and what each may be; `[safety]` takes its bounds from the core.

What must fit together across keys is in `retrowalk.settings.together`.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, SecretStr, field_validator

from blefit.units import incline_from_percent, speed_from_kmh
from retrowalk import paths
from retrowalk.core.bounds import SITE_BOUNDS, OwnCaps, SiteLimits
from retrowalk.core.offering import Walker as WhoWalks
from retrowalk.settings.fields import (
    Address,
    ClockTime,
    Cron,
    Id,
    MqttUrl,
    StrapName,
    Text,
    TopicPrefix,
    Window,
    Zone,
)

T = TypeVar("T")
R = TypeVar("R")

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


def _bounded(field: str, units: float) -> object:
    """The bounds of that field of `SiteLimits`; `units` wire units make one unit of the key."""
    bound = SITE_BOUNDS[field]
    return Field(ge=bound.lowest / units, le=bound.ceiling / units)


BackwardCap = Annotated[float, _bounded("backward_cap", 100)]
ForwardCap = Annotated[float, _bounded("forward_cap", 100)]
InclineCap = Annotated[float, _bounded("incline_cap", 10)]
Level = Annotated[int, _bounded("level", 1)]
HeartRateMaximum = Annotated[int, Field(ge=100, le=220)]


def _maybe(convert: Callable[[T], R], value: T | None) -> R | None:
    return None if value is None else convert(value)


def _minutes(minutes: float) -> int:
    return int(minutes * 60)


class Section(BaseModel):
    """One table of the file: closed, immutable, no coercion ("1.5" is not 1.5), no NaN."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Mqtt(Section):
    """`[mqtt]`: the broker."""

    url: MqttUrl = "embedded"
    """mqtt://host:port, mqtts://host:port, "embedded" (a broker of our own on this machine) or "off"."""
    prefix: TopicPrefix = "retrowalk"
    username: Text | None = None
    password: SecretStr | None = None
    """Never in the file: RETROWALK_MQTT_PASSWORD, or the service manager's credential mqtt_password."""
    tls_ca: Path | None = None
    """A CA of one's own for mqtts://; without it the system's."""
    tls_cert: Path | None = None
    tls_key: Path | None = None
    discovery: bool = True
    """Announce the treadmills to Home Assistant."""
    discovery_prefix: TopicPrefix = "homeassistant"

    @field_validator("password", mode="before")
    @classmethod
    def _secrets_stay_out(cls, value: object) -> object:
        if isinstance(value, SecretStr | None):
            return value
        raise ValueError("a password does not belong in the file: set RETROWALK_MQTT_PASSWORD instead")


class Treadmill(Section):
    """`[[treadmills]]`: one machine, found by its address or by its name in the air."""

    id: Id
    name: Text = "Treadmill"
    address: Address | None = None
    match: Text | None = None
    """A name pattern with * and ?, such as "HORIZON*", where there is no address."""
    adapter: Text | None = None
    """The Bluetooth adapter, such as "hci1", or "bumble:usb:0": a controller of its own, without BlueZ."""
    machine: Text | None = None
    """A file of config/treadmills by name or path, where the machine is not known by itself."""
    confirm_sources: tuple[Text, ...] = ()
    """The paired buttons and tags that may confirm by MQTT; none: the confirm topic is refused."""
    allow_bare_confirm: bool = False
    at_machine: bool = False
    """The daemon's terminal stands at the machine: Enter is an act there."""
    second_stop: bool = False
    """A second manual stop or a helper is in reach of the walker."""
    presence: bool = False
    """Something beside the machine's own telemetry tells that a person is on the belt (a paired button)."""
    heart_rate_strap: StrapName | None = None
    """The address of the walker's strap, or a pattern for its name, such as "Polar H10*"."""
    backward_cap_kmh: BackwardCap | None = None
    forward_cap_kmh: ForwardCap | None = None
    incline_cap_percent: InclineCap | None = None

    def caps(self) -> OwnCaps:
        """What only lowers the limits of `[safety]` and of the level here, in wire units, rounded down."""
        return OwnCaps(
            backward=_maybe(speed_from_kmh, self.backward_cap_kmh),
            forward=_maybe(speed_from_kmh, self.forward_cap_kmh),
            incline=_maybe(incline_from_percent, self.incline_cap_percent),
        )


class Safety(Section):
    """`[safety]`: stricter than the defaults, or looser up to the ceilings in code. Unset: by level."""

    level: Level = 1
    """Of sessions without a walker; a program above it is refused."""
    backward_cap_kmh: BackwardCap | None = None
    forward_cap_kmh: ForwardCap = 4.0
    incline_cap_percent: InclineCap | None = None
    ramp_up_kmh_per_s: Annotated[float, _bounded("ramp_up", 100)] | None = None
    ramp_down_kmh_per_s: Annotated[float, _bounded("ramp_down", 100)] = 0.3
    step_up_kmh: Annotated[float, _bounded("step_up", 100)] = 0.2
    step_down_kmh: Annotated[float, _bounded("step_down", 100)] = 0.5
    bout_limit_min: Annotated[float, _bounded("bout_s", 60)] | None = None
    backward_limit_min: Annotated[float, _bounded("backward_total_s", 60)] | None = None
    session_limit_min: Annotated[float, _bounded("session_s", 60)] = 30.0
    turn_dwell_s: Annotated[int, _bounded("turn_dwell_s", 1)] = 10
    countdown_s: Annotated[int, _bounded("countdown_s", 1)] = 10
    rest_wait_s: Annotated[int, _bounded("rest_wait_s", 1)] = 300
    idle_wait_s: Annotated[int, _bounded("idle_wait_s", 1)] = 45
    presence_s: Annotated[int, _bounded("presence_s", 1)] | None = None
    guarded: bool = False
    """Whoever walks is a guarded walker: the limits of one, and a sign of them every 30 s."""
    heart_rate_max_bpm: HeartRateMaximum | None = None
    """Of whoever walks; unset, heart rate is only watched."""
    manual_use_allowed: bool = True
    """False: motion that retrowalk did not start is an alarm and a Stop."""

    def limits(self) -> SiteLimits:
        """The same in wire units, rounded down."""
        return SiteLimits(
            level=self.level,
            backward_cap=_maybe(speed_from_kmh, self.backward_cap_kmh),
            forward_cap=speed_from_kmh(self.forward_cap_kmh),
            incline_cap=_maybe(incline_from_percent, self.incline_cap_percent),
            ramp_up=_maybe(speed_from_kmh, self.ramp_up_kmh_per_s),
            ramp_down=speed_from_kmh(self.ramp_down_kmh_per_s),
            step_up=speed_from_kmh(self.step_up_kmh),
            step_down=speed_from_kmh(self.step_down_kmh),
            bout_s=_maybe(_minutes, self.bout_limit_min),
            backward_total_s=_maybe(_minutes, self.backward_limit_min),
            session_s=_minutes(self.session_limit_min),
            turn_dwell_s=self.turn_dwell_s,
            countdown_s=self.countdown_s,
            rest_wait_s=self.rest_wait_s,
            idle_wait_s=self.idle_wait_s,
            presence_s=self.presence_s,
        )

    def anybody(self) -> WhoWalks:
        """Whoever walks without a name."""
        return WhoWalks(guarded=self.guarded, maximum_heart_rate=self.heart_rate_max_bpm)


class Walker(Section):
    """`[[walkers]]`: somebody with limits of their own. A cap here only lowers those of the site."""

    id: Id
    name: Text = "Walker"
    level: Level | None = None
    """Unset: that of `[safety]`. A program above it is refused."""
    guarded: bool = False
    backward_cap_kmh: BackwardCap | None = None
    forward_cap_kmh: ForwardCap | None = None
    weight_kg: Annotated[float, Field(ge=20, le=300)] | None = None
    """For the estimate of energy."""
    heart_rate_max_bpm: HeartRateMaximum | None = None
    """Measured, or by a formula such as 208 - 0.7 x age; with beta blockers 164 - 0.7 x age. Unset: that of
    `[safety]`."""

    def limits(self, site: Safety) -> WhoWalks:
        """What bounds their sessions, where the site says nothing stricter."""
        return WhoWalks(
            level=self.level,
            guarded=self.guarded or site.guarded,
            backward_cap=_maybe(speed_from_kmh, self.backward_cap_kmh),
            forward_cap=_maybe(speed_from_kmh, self.forward_cap_kmh),
            maximum_heart_rate=self.heart_rate_max_bpm or site.heart_rate_max_bpm,
            weight_kg=self.weight_kg,
        )


class Alarm(Section):
    """`[alarm]`: where cues and alarms go. A backward session needs one that a walker can notice."""

    outputs: tuple[Literal["terminal", "voice", "mqtt", "page"], ...] = ("terminal",)
    voice_command: tuple[Text, ...] = ()
    """A command and its arguments, such as ["espeak-ng", "-s", "150"]; the sentence is added as the last."""


class ScheduleEntry(Section):
    """`[[schedule]]`: a session to offer at a time; only an act at the machine starts it."""

    program: Text
    treadmill: Id | None = None
    """May be left out where there is only one."""
    walker: Text | None = None
    at: ClockTime | None = None
    days: tuple[Day, ...] = ()
    """With `at`; none: every day."""
    cron: Cron | None = None
    timezone: Zone | None = None
    """Unset: the zone of this machine."""
    window: Window = "10min"
    """How long the offer stands before it is missed."""


class Log(Section):
    """`[log]`."""

    format: Literal["auto", "console", "logfmt", "json"] = "auto"
    """auto: for a person on a terminal, logfmt with priorities under systemd."""
    level: Literal["debug", "info", "warning", "error"] = "info"


class Paths(Section):
    """`[paths]`: unset, the usual places of the system."""

    state_dir: Path | None = None
    programs_dir: Path | None = None
    """Programs of one's own, beside the shipped ones."""

    @property
    def state(self) -> Path:
        """What must survive a restart lies here."""
        return self.state_dir or paths.state_dir()

    @property
    def programs(self) -> Path:
        """Programs of one's own lie here."""
        return self.programs_dir or paths.user_config_dir() / "programs"


class Journal(Section):
    """`[journal]`: the flight recorder, in the folder journal/ of the state folder."""

    enabled: bool = True
    max_mb: Annotated[int, Field(ge=1, le=4096)] = 64
    """What the files of one treadmill may take; the oldest are dropped."""


class NotYet(Section):
    """`[history]` and `[web]`: known tables, off in this version."""

    enabled: bool = False

    @field_validator("enabled")
    @classmethod
    def _not_yet(cls, enabled: bool) -> bool:
        if enabled:
            raise ValueError("but this version has no such part yet: leave it false")
        return enabled


class Settings(Section):
    """All of retrowalk.toml."""

    mqtt: Mqtt = Mqtt()
    treadmills: tuple[Treadmill, ...] = ()
    safety: Safety = Safety()
    walkers: tuple[Walker, ...] = ()
    alarm: Alarm = Alarm()
    schedule: tuple[ScheduleEntry, ...] = ()
    journal: Journal = Journal()
    history: NotYet = NotYet()
    web: NotYet = NotYet()
    log: Log = Log()
    paths: Paths = Paths()

    _source: Path | None = PrivateAttr(default=None)

    @property
    def source(self) -> Path | None:
        """The file it was read from; None: made in code."""
        return self._source

    def read_from(self, source: Path) -> Self:
        """The same, remembering its file."""
        self._source = source
        return self

    def treadmill(self, treadmill_id: str) -> Treadmill:
        """The treadmill of that id; KeyError where there is none."""
        return {treadmill.id: treadmill for treadmill in self.treadmills}[treadmill_id]
