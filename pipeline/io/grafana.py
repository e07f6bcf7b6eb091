"""Grafana over HTTP: what is wanted there, what differs, and making it so. Only this module knows the client.

The client is grafana-api (the extra `dashboards`); its generic calls reach what it has no names for. What is there is
read first and compared with what is wanted: only what differs is written, so a second push writes nothing. Things are
ours by uid and folder; what is not ours is never changed, and nothing is deleted but boards of ours, when asked.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal
from urllib.parse import quote, urlsplit

import msgspec
from msgspec import Struct

OLDEST: Final = (11, 6)
"""What the ClickHouse plugin of the boards needs; older ones do not know rules that notify a contact point, either."""
_SECONDS: Final = 20.0
_DURATION: Final = re.compile(r"(\d+)(ms|[wdhms])")
_UNIT_MS: Final = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
_DURATIONS: Final = frozenset({"for", "keep_firing_for"})

Json = Any
"""Whatever JSON is."""


class GrafanaProblem(Exception):
    """What Grafana has against it, in one sentence that says what to do."""


class Wanted(Struct, frozen=True, kw_only=True):
    """What should be in Grafana. Bodies are those of its HTTP API; `mark` is what the uids of ours begin with.

    `passwords`: uid of a data source -> its secrets; they cannot be read back, so they are written with the first push
    and whenever the data source differs otherwise, or always with `rewrite_passwords`.
    """

    folder_uid: str
    folder_title: str
    mark: str
    dashboards: Sequence[Mapping[str, Json]] = ()
    data_sources: Sequence[Mapping[str, Json]] = ()
    passwords: Mapping[str, Mapping[str, str]] = {}
    rewrite_passwords: bool = False
    rule_groups: Sequence[Mapping[str, Json]] = ()
    contact_points: Sequence[Mapping[str, Json]] = ()
    prune: bool = False
    message: str = "touchline dashboards push"


class Step(Struct, frozen=True):
    """One change: what it does to what, and the call that does it. `differs`: where, as paths into the body."""

    verb: Literal["create", "change", "delete"]
    kind: Literal["folder", "data source", "dashboard", "rule group", "contact point"]
    name: str
    method: Literal["POST", "PUT", "DELETE"]
    path: str
    body: Mapping[str, Json] | None = None
    differs: tuple[str, ...] = ()


class Grafana:
    """One Grafana, reached with a token. Raises GrafanaProblem."""

    def __init__(self, url: str, token: str) -> None:
        """Nothing is sent yet."""
        from grafana_api.grafana_face import GrafanaFace

        parts = urlsplit(url if "://" in url else f"http://{url}")
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise GrafanaProblem(f"{url!r} is no address of a Grafana; it looks like https://grafana.example.org")
        prefix = parts.path.strip("/")
        self.url: Final = f"{parts.scheme}://{parts.netloc}{parts.path}".rstrip("/")
        self._api: Final = GrafanaFace(
            token,
            host=parts.hostname,
            port=parts.port,
            url_path_prefix=f"{prefix}/" if prefix else "",
            protocol=parts.scheme,
            timeout=_SECONDS,
        ).api

    def check(self) -> str:
        """Its version, once it is new enough and takes the token."""
        health = self.get("/health")
        version = health.get("version", "") if isinstance(health, dict) else ""
        numbers = re.match(r"(\d+)\.(\d+)", version)
        if numbers is None:
            raise GrafanaProblem(f"{self.url} does not answer like Grafana: is the address right, with its path?")
        if (int(numbers[1]), int(numbers[2])) < OLDEST:
            raise GrafanaProblem(
                f"Grafana {version} at {self.url} is too old: the boards need {OLDEST[0]}.{OLDEST[1]} or newer"
            )
        self.get("/org")
        return str(version)

    def get(self, path: str) -> Json:
        """What is there; None if nothing is."""
        return self._call("GET", path, None, absent=True)

    def send(self, step: Step) -> Json:
        """Make one change."""
        return self._call(step.method, step.path, step.body, what=f"{step.kind} {step.name!r}")

    def _call(
        self, method: str, path: str, body: Mapping[str, Json] | None, *, absent: bool = False, what: str = ""
    ) -> Json:
        from grafana_api.grafana_api import GrafanaClientError, GrafanaException, GrafanaUnauthorizedError

        try:
            return getattr(self._api, method)(path, json=body)
        except GrafanaUnauthorizedError:
            raise GrafanaProblem(
                f"Grafana at {self.url} does not take the token: make one for a service account"
                " (Administration, Service accounts) and put it into GRAFANA_TOKEN"
            ) from None
        except GrafanaClientError as error:
            if error.status_code == 404 and absent:
                return None
            raise GrafanaProblem(self._refused(error.status_code, _message(error), what or path)) from None
        except GrafanaException as error:
            raise GrafanaProblem(f"Grafana at {self.url} failed over {what or path}: {error.message}") from None
        except ValueError:  # no JSON: a proxy's page for signing in
            raise GrafanaProblem(
                f"{self.url} does not answer like Grafana: is the address right, with its path?"
            ) from None
        except OSError as error:
            raise GrafanaProblem(f"Grafana at {self.url} cannot be reached: {_short(error)}") from None

    def _refused(self, status: int, message: str, what: str) -> str:
        if status == 403:
            return (
                f"the token may not do that to {what}: {message}. Give its service account the role Editor,"
                " Admin for data sources and contact points"
            )
        if status == 412:
            return f"{what} was changed by somebody else meanwhile ({message}): see `touchline dashboards diff`"
        return f"Grafana refuses {what}: {message} (HTTP {status})"


def plan(grafana: Grafana, wanted: Wanted) -> list[Step]:
    """What has to change, in the order in which it may. Raises GrafanaProblem where a name is somebody else's."""
    grafana.check()
    return [
        *_folder(grafana, wanted),
        *(step for each in wanted.data_sources for step in _data_source(grafana, each, wanted)),
        *_dashboards(grafana, wanted),
        *_contact_points(grafana, wanted),
        *(step for each in wanted.rule_groups for step in _rule_group(grafana, each)),
    ]


def push(grafana: Grafana, wanted: Wanted) -> list[Step]:
    """Make it so; the changes that were needed. Afterwards it is looked at again: nothing may be left to do."""
    steps = plan(grafana, wanted)
    for step in steps:
        grafana.send(step)
    if steps:
        left = plan(grafana, msgspec.structs.replace(wanted, rewrite_passwords=False))
        if left:
            first = left[0]
            where = f" ({', '.join(first.differs[:3])})" if first.differs else ""
            raise GrafanaProblem(
                f"{first.kind} {first.name!r} was written and is different all the same{where}: does somebody else"
                " write it, too?"
            )
    return steps


def _folder(grafana: Grafana, wanted: Wanted) -> list[Step]:
    found = grafana.get(f"/folders/{wanted.folder_uid}")
    if found is None:
        for folder in grafana.get("/folders?limit=1000") or []:
            if folder.get("title") == wanted.folder_title:
                raise GrafanaProblem(
                    f"there is a folder {wanted.folder_title!r} already, with uid {folder['uid']!r}: rename it, ours"
                    f" has uid {wanted.folder_uid!r}"
                )
        body = {"uid": wanted.folder_uid, "title": wanted.folder_title}
        return [Step("create", "folder", wanted.folder_title, "POST", "/folders", body)]
    if found.get("title") == wanted.folder_title:
        return []
    title = {"title": wanted.folder_title, "overwrite": True}
    return [Step("change", "folder", wanted.folder_title, "PUT", f"/folders/{wanted.folder_uid}", title, ("title",))]


def _data_source(grafana: Grafana, source: Mapping[str, Json], wanted: Wanted) -> list[Step]:
    uid, name = source["uid"], source["name"]
    secrets = wanted.passwords.get(uid, {})
    body = {**source, "secureJsonData": dict(secrets)} if secrets else dict(source)
    found = grafana.get(f"/datasources/uid/{quote(uid)}")
    if found is None:
        for other in grafana.get("/datasources") or []:
            if other.get("name") == name:
                raise GrafanaProblem(
                    f"there is a data source {name!r} already, with uid {other['uid']!r}: rename it, ours has uid"
                    f" {uid!r}"
                )
        return [Step("create", "data source", name, "POST", "/datasources", body)]
    differs = differences(source, found)
    there = found.get("secureJsonFields") or {}
    differs += tuple(f"secureJsonData.{field}" for field in secrets if wanted.rewrite_passwords or not there.get(field))
    if differs and found.get("readOnly"):
        raise GrafanaProblem(f"data source {name!r} comes from a file of Grafana's provisioning: change it there")
    return (
        [Step("change", "data source", name, "PUT", f"/datasources/uid/{quote(uid)}", body, differs)] if differs else []
    )


def _dashboards(grafana: Grafana, wanted: Wanted) -> list[Step]:
    listed = grafana.get(f"/search?type=dash-db&folderUIDs={quote(wanted.folder_uid)}&limit=5000") or []
    in_folder = {each["uid"]: each.get("title", "") for each in listed if each.get("folderUid") == wanted.folder_uid}
    uids = {board["uid"] for board in wanted.dashboards}
    steps = []
    for board in wanted.dashboards:
        for uid, title in in_folder.items():
            if uid not in uids and not uid.startswith(wanted.mark) and title == board["title"]:
                raise GrafanaProblem(
                    f"folder {wanted.folder_title!r} has another dashboard called {title!r} (uid {uid!r}): rename it"
                )
        steps += _dashboard(grafana, board, wanted)
    if wanted.prune and wanted.dashboards:
        for uid, title in sorted(in_folder.items()):
            if uid.startswith(wanted.mark) and uid not in uids:
                steps.append(Step("delete", "dashboard", title, "DELETE", f"/dashboards/uid/{quote(uid)}"))
    return steps


def _dashboard(grafana: Grafana, board: Mapping[str, Json], wanted: Wanted) -> list[Step]:
    """Written with the version that was read, so that what somebody else wrote meanwhile is not lost silently."""
    uid, title = board["uid"], board["title"]
    body: dict[str, Json] = {"folderUid": wanted.folder_uid, "message": wanted.message, "overwrite": False}
    found = grafana.get(f"/dashboards/uid/{quote(uid)}")
    if found is None:
        body["dashboard"] = {**board, "id": None}
        return [Step("create", "dashboard", title, "POST", "/dashboards/db", body)]
    meta, there = found.get("meta", {}), found["dashboard"]
    if meta.get("provisioned"):
        differs = differences(board, there)
        if differs:
            raise GrafanaProblem(f"dashboard {title!r} comes from a file of Grafana's provisioning: change it there")
        return []
    if meta.get("folderUid") != wanted.folder_uid:
        raise GrafanaProblem(
            f"uid {uid!r} is taken by dashboard {there.get('title')!r} in folder"
            f" {meta.get('folderTitle') or 'General'!r}, which is not ours: move it to folder"
            f" {wanted.folder_title!r} or give it another uid"
        )
    differs = differences(board, there)
    if not differs:
        return []
    body["dashboard"] = {**board, "id": there.get("id"), "version": there.get("version")}
    return [Step("change", "dashboard", title, "POST", "/dashboards/db", body, differs)]


def _contact_points(grafana: Grafana, wanted: Wanted) -> list[Step]:
    if not wanted.contact_points:
        return []
    there = {each["uid"]: each for each in grafana.get("/v1/provisioning/contact-points") or []}
    steps = []
    for point in wanted.contact_points:
        uid, name = point["uid"], point["name"]
        for other in there.values():
            if other["name"] == name and not other["uid"].startswith(wanted.mark):
                raise GrafanaProblem(
                    f"there is a contact point {name!r} already (uid {other['uid']!r}), which is not ours: rename it"
                )
        if uid not in there:
            steps.append(Step("create", "contact point", name, "POST", "/v1/provisioning/contact-points", point))
        elif differs := differences(point, there[uid]):
            path = f"/v1/provisioning/contact-points/{quote(uid)}"
            steps.append(Step("change", "contact point", name, "PUT", path, point, differs))
    return steps


def _rule_group(grafana: Grafana, group: Mapping[str, Json]) -> list[Step]:
    """The whole group at once: a PUT replaces it, so rules that are no longer declared go."""
    path = f"/v1/provisioning/folder/{quote(group['folderUid'])}/rule-groups/{quote(group['title'])}"
    found = grafana.get(path)
    if found is None or not found.get("rules"):
        return [Step("create", "rule group", group["title"], "PUT", path, group)]
    differs = differences(group, found)
    return [Step("change", "rule group", group["title"], "PUT", path, group, differs)] if differs else []


def differences(wanted: Json, found: Json, path: str = "") -> tuple[str, ...]:
    """Where `found` is not as wanted, as paths. What Grafana adds by itself (ids, versions, defaults) is no difference;
    in a list nothing may be added. Durations are compared as such.

    >>> differences({"a": [{"for": "120s"}]}, {"a": [{"for": "2m", "id": 3}], "version": 9})
    ()
    >>> differences({"a": {"b": 1}, "c": [1]}, {"a": {"b": 2}, "c": []})
    ('a.b', 'c')
    """
    if isinstance(wanted, Mapping):
        if not isinstance(found, Mapping):
            return (path or "everything",)
        return tuple(
            place
            for name, value in wanted.items()
            for place in _in_field(name, value, found.get(name), f"{path}.{name}" if path else name)
        )
    if isinstance(wanted, Sequence) and not isinstance(wanted, str):
        if not isinstance(found, Sequence) or isinstance(found, str) or len(found) != len(wanted):
            return (path or "everything",)
        return tuple(
            place
            for number, (one, other) in enumerate(zip(wanted, found, strict=True))
            for place in differences(one, other, f"{path}[{number}]")
        )
    return () if wanted == found else (path or "everything",)


def _in_field(name: str, wanted: Json, found: Json, path: str) -> tuple[str, ...]:
    if name in _DURATIONS and isinstance(wanted, str) and isinstance(found, str):
        return () if _duration_ms(wanted) == _duration_ms(found) else (path,)
    if found is None and wanted in (None, "", [], {}, False, 0):
        return ()  # an empty value that Grafana leaves out
    return differences(wanted, found, path)


def _duration_ms(text: str) -> int:
    return sum(int(n) * _UNIT_MS[unit] for n, unit in _DURATION.findall(text))


def _message(error: Any) -> str:
    response = error.response
    return str(response.get("message", response)) if isinstance(response, dict) else str(response)[:200]


def _short(error: OSError) -> str:
    """The last and so the plainest of the causes that the HTTP library wraps."""
    text = str(error)
    found = re.search(r"\[Errno -?\d+\] ([\w -]+)", text)
    return found[1] if found else text.rpartition(": ")[2].strip("')\"") or type(error).__name__
