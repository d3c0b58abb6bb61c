"""InvenioRDM's own REST application on 127.0.0.1, for tests: SQLite, no worker, a stand-in for the search engine.

Run by the interpreter of .venv-invenio with a folder to keep its files in. Prints one line of JSON, `port` and
`token`, once it answers; ends when its standard input does.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

FOLDER = Path(sys.argv[1]).resolve()
os.environ["INVENIO_INSTANCE_PATH"] = str(FOLDER)
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from flask_webpackext.manifest import JinjaManifest, JinjaManifestEntry, JinjaManifestLoader  # noqa: E402
from invenio_app.factory import create_api  # noqa: E402
from invenio_communities.cache.cache import IdentityCache  # noqa: E402
from invenio_rdm_records.resources.serializers import DataCite45JSONSerializer  # noqa: E402
from invenio_rdm_records.services.pids import providers  # noqa: E402
from tests.invenio import search_stand_in  # noqa: E402, F401 (before a client is opened)
from werkzeug.exceptions import NotFound  # noqa: E402
from werkzeug.middleware.dispatcher import DispatcherMiddleware  # noqa: E402
from werkzeug.serving import make_server  # noqa: E402

HOSTS = ["localhost", "127.0.0.1"]
QUOTA_BYTES = 5_000_000


class Memory(IdentityCache):  # type: ignore[misc]
    """What the application else keeps in Redis."""

    def __init__(self, app: Any = None) -> None:
        super().__init__(app=app)
        self.kept: dict[str, Any] = {}

    def get(self, key: str) -> Any:
        return self.kept.get(key)

    def set(self, key: str, value: Any, timeout: Any = None) -> None:
        self.kept[key] = value

    def delete(self, key: str) -> None:
        self.kept.pop(key, None)

    def flush(self) -> None:
        self.kept.clear()

    def append(self, key: str, value: Any) -> None:
        self.kept.setdefault(key, []).append(value)


class NoPages(JinjaManifest):  # type: ignore[misc]
    """Stands for the built pages of the web interface, which nobody asks for here."""

    def __getitem__(self, key: str) -> Any:
        return JinjaManifestEntry(key, [key])

    def __getattr__(self, key: str) -> Any:
        return JinjaManifestEntry(key, [key])


class NoPagesLoader(JinjaManifestLoader):  # type: ignore[misc]
    def load(self, path: str) -> Any:
        return NoPages()


class NoRegistrar:
    """Stands for DataCite's server: registers every DOI and says nothing."""

    def __getattr__(self, name: str) -> Any:
        def call(*given: Any, **named: Any) -> Any:
            return given[0] if name == "check_doi" else {}

        return call


class NoDataCite(providers.DataCiteClient):  # type: ignore[misc]
    @property
    def api(self) -> Any:
        return NoRegistrar()


def provider(*, is_parent: bool) -> Any:
    return providers.DataCitePIDProvider(
        "datacite",
        client=NoDataCite("datacite", config_prefix="DATACITE"),
        serializer=DataCite45JSONSerializer(is_parent=is_parent),
        label="DOI",
    )


def doi_settings() -> dict[str, Any]:
    enabled = providers.DataCitePIDProvider.is_enabled
    return {
        "DATACITE_ENABLED": True,
        "DATACITE_USERNAME": "nobody",
        "DATACITE_PASSWORD": "nothing",
        "DATACITE_PREFIX": "10.5072",
        "DATACITE_FORMAT": "{prefix}/test.{id}",
        "DATACITE_DATACENTER_SYMBOL": "TEST",
        "RDM_PERSISTENT_IDENTIFIER_PROVIDERS": [
            provider(is_parent=False),
            providers.ExternalPIDProvider("external", "doi", label="DOI"),
            providers.OAIPIDProvider("oai", label="OAI"),
        ],
        "RDM_PARENT_PERSISTENT_IDENTIFIER_PROVIDERS": [provider(is_parent=True)],
        "RDM_PERSISTENT_IDENTIFIERS": {
            "doi": {
                "providers": ["datacite", "external"],
                "required": True,
                "label": "DOI",
                "is_enabled": enabled,
                "ui": {"default_selected": "yes"},
            },
            "oai": {
                "providers": ["oai"],
                "required": True,
                "label": "OAI",
                "is_enabled": providers.OAIPIDProvider.is_enabled,
            },
        },
        "RDM_PARENT_PERSISTENT_IDENTIFIERS": {
            "doi": {
                "providers": ["datacite"],
                "required": True,
                "condition": lambda record: True,
                "label": "Concept DOI",
                "is_enabled": enabled,
            }
        },
    }


def make_app() -> Any:
    return create_api(
        SQLALCHEMY_DATABASE_URI=f"sqlite:///{FOLDER / 'records.db'}",
        SQLALCHEMY_ENGINE_OPTIONS={},
        SECRET_KEY="for tests only " * 3,
        CELERY_TASK_ALWAYS_EAGER=True,
        CELERY_TASK_EAGER_PROPAGATES=True,
        CELERY_CACHE_BACKEND="memory",
        CELERY_RESULT_BACKEND="cache",
        CELERY_BROKER_URL="memory://",
        BROKER_URL="memory://",
        CACHE_TYPE="SimpleCache",
        ACCOUNTS_SESSION_REDIS_URL=None,
        COMMUNITIES_IDENTITIES_CACHE_HANDLER=Memory,
        RATELIMIT_STORAGE_URI="memory://",
        RATELIMIT_STORAGE_URL="memory://",
        RATELIMIT_ENABLED=False,
        REST_CSRF_ENABLED=False,
        APP_ENABLE_SECURE_HEADERS=False,
        TRUSTED_HOSTS=HOSTS,
        WEBPACKEXT_MANIFEST_LOADER=NoPagesLoader,
        RDM_FILES_DEFAULT_QUOTA_SIZE=QUOTA_BYTES,
        RDM_FILES_DEFAULT_MAX_FILE_SIZE=QUOTA_BYTES,
        WSGI_PROXIES=0,
        TESTING=True,
        MAIL_SUPPRESS_SEND=True,
        SITE_API_URL="https://127.0.0.1:5000/api",
        SITE_UI_URL="https://127.0.0.1:5000",
        **doi_settings(),
    )


def fill(app: Any) -> str:
    """Tables, a place for files, one user, the words that metadata may use. The user's token."""
    from flask_security.utils import hash_password
    from invenio_access.permissions import system_identity
    from invenio_db import db
    from invenio_files_rest.models import Location
    from invenio_oauth2server.models import Token
    from invenio_vocabularies.proxies import current_service as vocabularies

    db.create_all()
    (FOLDER / "files").mkdir(exist_ok=True)
    db.session.add(Location(name="default", uri=str(FOLDER / "files"), default=True))
    with app.test_request_context():
        user = app.extensions["security"].datastore.create_user(
            email="depositor@example.org", password=hash_password("nothing"), active=True
        )
        db.session.commit()
        user.verified_at = user.confirmed_at = datetime.now(UTC).replace(tzinfo=None)
        db.session.commit()
    token = Token.create_personal("tests", user.id, scopes=["user:email"])
    db.session.commit()
    for kind, short, words in VOCABULARIES:
        vocabularies.create_type(system_identity, kind, short)
        for word in words:
            vocabularies.create(system_identity, {**word, "type": kind})
    return str(token.access_token)


DATASET = {
    "id": "dataset",
    "icon": "table",
    "props": {
        "csl": "dataset",
        "datacite_general": "Dataset",
        "datacite_type": "",
        "openaire_resourceType": "21",
        "openaire_type": "dataset",
        "eurepo": "info:eu-repo/semantics/other",
        "schema.org": "https://schema.org/Dataset",
        "subtype": "",
        "type": "dataset",
        "marc21_type": "dataset",
        "marc21_subtype": "",
    },
    "title": {"en": "Dataset"},
    "tags": ["depositable", "linkable"],
}


def licence(name: str) -> dict[str, Any]:
    return {
        "id": name,
        "title": {"en": name},
        "description": {"en": name},
        "icon": "",
        "tags": ["recommended", "all"],
        "props": {"url": f"https://spdx.org/licenses/{name}.html", "scheme": "spdx", "osi_approved": ""},
    }


def relation(name: str) -> dict[str, Any]:
    return {"id": name, "props": {"datacite": name.title()}, "title": {"en": name}}


VOCABULARIES = (
    ("resourcetypes", "rsrct", [DATASET]),
    ("licenses", "lic", [licence("cc-by-4.0"), licence("apache-2.0")]),
    ("relationtypes", "rlt", [relation(name) for name in ("issupplementto", "cites", "references", "isderivedfrom")]),
)


def main() -> None:
    app = make_app()
    with app.app_context():
        token = fill(app)
    server = make_server("127.0.0.1", 0, DispatcherMiddleware(NotFound(), {"/api": app}), threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdout.write(json.dumps({"port": server.port, "token": token}) + "\n")
    sys.stdout.flush()
    sys.stdin.read()
    server.shutdown()


main()
