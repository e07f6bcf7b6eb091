"""Grafana's HTTP API as its documents describe it, with state, on loopback: what `touchline dashboards push` uses.

It is as strict as Grafana where that matters: tokens and roles, names that are taken, versions of dashboards, folders
that must exist, files of provisioning; and it gives back what Grafana adds and rewrites (ids, versions, durations,
secrets as flags). What it does not know is answered 404, as Grafana does.
"""

import asyncio
import re
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

from aiohttp import web

TOKEN = "glsa_test"
VIEWER = "glsa_viewer"
Json = dict[str, Any]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def _said(code: int, message: str, **more: Any) -> web.Response:
    return web.json_response({"message": message, **more}, status=code)


class GrafanaStub:
    """State and handlers. `writes`: every call that changed something, as (method, path)."""

    def __init__(self, version: str = "11.6.0") -> None:
        self.version = version
        self.url = ""
        self.folders: dict[str, Json] = {}
        self.sources: dict[str, Json] = {}
        self.secrets: dict[str, Json] = {}
        self.dashboards: dict[str, Json] = {}
        self.groups: dict[tuple[str, str], Json] = {}
        self.points: dict[str, Json] = {}
        self.writes: list[tuple[str, str]] = []
        self.meanwhile: Callable[[], None] | None = None
        """Runs once before the next write: somebody else."""
        self._ids = 0

    def app(self) -> web.Application:
        """The routes."""
        app = web.Application(middlewares=[self._guard])
        app.add_routes(
            [
                web.get("/api/health", self.health),
                web.get("/api/org", self.org),
                web.get("/api/folders", self.list_folders),
                web.post("/api/folders", self.create_folder),
                web.get("/api/folders/{uid}", self.folder),
                web.put("/api/folders/{uid}", self.change_folder),
                web.get("/api/datasources", self.list_sources),
                web.post("/api/datasources", self.create_source),
                web.get("/api/datasources/uid/{uid}", self.source),
                web.put("/api/datasources/uid/{uid}", self.change_source),
                web.get("/api/search", self.search),
                web.post("/api/dashboards/db", self.save_dashboard),
                web.get("/api/dashboards/uid/{uid}", self.dashboard),
                web.delete("/api/dashboards/uid/{uid}", self.delete_dashboard),
                web.get("/api/v1/provisioning/contact-points", self.list_points),
                web.post("/api/v1/provisioning/contact-points", self.create_point),
                web.put("/api/v1/provisioning/contact-points/{uid}", self.change_point),
                web.get("/api/v1/provisioning/folder/{folder}/rule-groups/{group}", self.group),
                web.put("/api/v1/provisioning/folder/{folder}/rule-groups/{group}", self.put_group),
            ]
        )
        return app

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path == "/api/health":
            return await handler(request)
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if token not in {TOKEN, VIEWER}:
            return _said(401, "Invalid API key", messageId="api-key.invalid", statusCode=401)
        if request.method != "GET":
            if token == VIEWER:
                return _said(403, "You'll need additional permissions to perform this action. Permissions needed: x")
            if self.meanwhile is not None:
                self.meanwhile()
                self.meanwhile = None
            self.writes.append((request.method, request.path))
        return await handler(request)

    def _id(self) -> int:
        self._ids += 1
        return self._ids

    async def health(self, _: web.Request) -> web.Response:
        return web.json_response({"commit": "0", "database": "ok", "version": self.version})

    async def org(self, _: web.Request) -> web.Response:
        return web.json_response({"id": 1, "name": "Main Org."})

    # ---- folders

    async def list_folders(self, _: web.Request) -> web.Response:
        return web.json_response([{"id": f["id"], "uid": f["uid"], "title": f["title"]} for f in self.folders.values()])

    async def folder(self, request: web.Request) -> web.Response:
        found = self.folders.get(request.match_info["uid"])
        return _said(404, "folder not found", status="not-found") if found is None else web.json_response(found)

    async def create_folder(self, request: web.Request) -> web.Response:
        body = await request.json()
        if body["uid"] in self.folders or body["title"] in {f["title"] for f in self.folders.values()}:
            return _said(409, "a folder with the same name already exists in the current location")
        self.folders[body["uid"]] = {"id": self._id(), "uid": body["uid"], "title": body["title"], "version": 1}
        return web.json_response(self.folders[body["uid"]])

    async def change_folder(self, request: web.Request) -> web.Response:
        body, found = await request.json(), self.folders.get(request.match_info["uid"])
        if found is None:
            return _said(404, "folder not found", status="not-found")
        if not body.get("overwrite") and body.get("version") != found["version"]:
            return _said(412, "the folder has been changed by someone else", status="version-mismatch")
        found.update(title=body["title"], version=found["version"] + 1)
        return web.json_response(found)

    # ---- data sources

    async def list_sources(self, _: web.Request) -> web.Response:
        return web.json_response(list(self.sources.values()))

    async def source(self, request: web.Request) -> web.Response:
        found = self.sources.get(request.match_info["uid"])
        return _said(404, "Data source not found") if found is None else web.json_response(found)

    async def create_source(self, request: web.Request) -> web.Response:
        body = await request.json()
        if body["name"] in {s["name"] for s in self.sources.values()}:
            return _said(409, "data source with the same name already exists")
        if body["uid"] in self.sources:
            return _said(409, "data source with the same uid already exists")
        found = self._stored_source(body, self._id(), 1)
        return web.json_response({"datasource": found, "id": found["id"], "message": "Datasource added"})

    async def change_source(self, request: web.Request) -> web.Response:
        uid, body = request.match_info["uid"], await request.json()
        found = self.sources.get(uid)
        if found is None:
            return _said(404, "Data source not found")
        if found["readOnly"]:
            return _said(403, "Cannot update read-only data source")
        found = self._stored_source({**body, "uid": uid}, found["id"], found["version"] + 1)
        return web.json_response({"datasource": found, "id": found["id"], "message": "Datasource updated"})

    def _stored_source(self, body: Json, id_: int, version: int) -> Json:
        """Secrets go in and never come out; what was not said has its default."""
        secrets = {**self.secrets.get(body["uid"], {}), **body.pop("secureJsonData", {})}
        self.secrets[body["uid"]] = secrets
        stored = {
            "url": "", "user": "", "database": "", "basicAuth": False, "withCredentials": False, "isDefault": False,
            "jsonData": {}, "readOnly": False, "orgId": 1, "typeLogoUrl": "public/img/icn-datasource.svg", **body,
            "id": id_, "version": version, "secureJsonFields": dict.fromkeys(secrets, True),
        }  # fmt: skip
        self.sources[body["uid"]] = stored
        return stored

    # ---- dashboards

    async def search(self, request: web.Request) -> web.Response:
        folders = set(request.query.get("folderUIDs", "").split(","))
        found = [
            {"uid": uid, "title": d["dashboard"]["title"], "type": "dash-db", "folderUid": d["meta"]["folderUid"]}
            for uid, d in self.dashboards.items()
            if d["meta"]["folderUid"] in folders
        ]
        return web.json_response(found)

    async def dashboard(self, request: web.Request) -> web.Response:
        found = self.dashboards.get(request.match_info["uid"])
        return _said(404, "Dashboard not found", status="not-found") if found is None else web.json_response(found)

    async def save_dashboard(self, request: web.Request) -> web.Response:
        body = await request.json()
        board, folder = body["dashboard"], body.get("folderUid", "")
        if folder and folder not in self.folders:
            return _said(400, "folder not found")
        there = self.dashboards.get(board["uid"])
        if there is None and board.get("id"):
            return _said(404, "Dashboard not found", status="not-found")
        if there is not None:
            if there["meta"].get("provisioned"):
                return _said(400, "Cannot save provisioned dashboard")
            if not body.get("overwrite") and board.get("version") != there["dashboard"]["version"]:
                return _said(412, "The dashboard has been changed by someone else", status="version-mismatch")
        for uid, other in self.dashboards.items():
            same = (other["dashboard"]["title"], other["meta"]["folderUid"]) == (board["title"], folder)
            if same and uid != board["uid"] and not body.get("overwrite"):
                return _said(412, "A dashboard with the same name in the folder already exists", status="name-exists")
        version = there["dashboard"]["version"] + 1 if there else 1
        id_ = there["dashboard"]["id"] if there else self._id()
        self.put_dashboard({**board, "id": id_, "version": version}, folder)
        return web.json_response({"id": id_, "uid": board["uid"], "status": "success", "version": version})

    def put_dashboard(self, board: Json, folder: str, **meta: Any) -> None:
        """As if somebody had saved it."""
        title = self.folders.get(folder, {}).get("title", "General")
        board = {"id": self._id(), "version": 1, **board}
        self.dashboards[board["uid"]] = {
            "dashboard": board,
            "meta": {"folderUid": folder, "folderTitle": title, **meta},
        }

    async def delete_dashboard(self, request: web.Request) -> web.Response:
        gone = self.dashboards.pop(request.match_info["uid"], None)
        if gone is None:
            return _said(404, "Dashboard not found", status="not-found")
        return _said(200, f"Dashboard {gone['dashboard']['title']} deleted", title=gone["dashboard"]["title"])

    # ---- alerting

    async def list_points(self, _: web.Request) -> web.Response:
        return web.json_response(list(self.points.values()))

    async def create_point(self, request: web.Request) -> web.Response:
        body = await request.json()
        if body["uid"] in self.points:
            return _said(409, "contact point with the same uid exists")
        if not body["settings"].get("url"):
            return _said(400, "invalid contact point: required field 'url' is not specified")
        self.points[body["uid"]] = {**body, "provenance": "api"}
        return web.json_response(self.points[body["uid"]], status=202)

    async def change_point(self, request: web.Request) -> web.Response:
        uid = request.match_info["uid"]
        if uid not in self.points:
            return _said(404, "contact point not found")
        self.points[uid] = {**await request.json(), "uid": uid, "provenance": "api"}
        return _said(202, "contactpoint updated")

    async def group(self, request: web.Request) -> web.Response:
        found = self.groups.get((request.match_info["folder"], request.match_info["group"]))
        return _said(404, "alert rule group not found") if found is None else web.json_response(found)

    async def put_group(self, request: web.Request) -> web.Response:
        folder, name = request.match_info["folder"], request.match_info["group"]
        body = await request.json()
        if folder not in self.folders:
            return _said(400, "invalid alert rule: folder does not exist")
        titles = [rule["title"] for rule in body["rules"]]
        if len(set(titles)) != len(titles) or len({rule["uid"] for rule in body["rules"]}) != len(titles):
            return _said(409, "conflicting alert rule found: rule title under the same folder should be unique")
        for rule in body["rules"]:
            receiver = rule.get("notification_settings", {}).get("receiver")
            if receiver and receiver not in {point["name"] for point in self.points.values()}:
                return _said(400, f"invalid notification settings: receiver {receiver} does not exist")
            if rule["condition"] not in {query["refId"] for query in rule["data"]}:
                return _said(400, "invalid alert rule: condition does not exist")
        self.groups[folder, name] = {
            "title": name,
            "folderUid": folder,
            "interval": body["interval"],
            "rules": [
                {
                    **rule,
                    **{key: _shortest(rule[key]) for key in ("for", "keep_firing_for") if key in rule},
                    "id": self._id(),
                    "updated": "2026-01-05T00:00:00Z",
                    "provenance": "api",
                }
                for rule in body["rules"]
            ],
        }
        return web.json_response(self.groups[folder, name])


def _shortest(duration: str) -> str:
    """120s -> 2m, as Grafana writes durations."""
    seconds = int(re.fullmatch(r"(\d+)s", duration)[1])  # type: ignore[index]
    for unit, length in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if seconds and seconds % length == 0:
            return f"{seconds // length}{unit}"
    return f"{seconds}s"


@contextmanager
def served(stub: GrafanaStub) -> Iterator[GrafanaStub]:
    """The stub on a free loopback port, in a thread of its own."""
    loop = asyncio.new_event_loop()
    runner = web.AppRunner(stub.app())

    async def start() -> int:
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        address: tuple[str, int] = runner.addresses[0]
        return address[1]

    stub.url = f"http://127.0.0.1:{loop.run_until_complete(start())}"
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield stub
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(timeout=10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
