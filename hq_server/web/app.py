"""Makes the head office's web application: its pages, and the frame around them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import BaseRoute

from hq_server.operations.catalog_uploads import UPLOAD_BYTES_MAX
from hq_server.operations.fleet_acts import CARRIED_BYTES_MAX
from hq_server.web import (
    audits,
    branches,
    catalog,
    changes,
    client_merging,
    client_timeline,
    clients,
    conflicts,
    dictionaries,
    erasures,
    fleet,
    fleet_desk,
    hand_over,
    health,
    home,
    letters,
    log_in,
    loyalty,
    parked,
    people,
    products,
    promotion_preview,
    promotions,
    proposals,
    proving,
    receipts,
    report_templates,
    reports,
    requests,
    roles,
    stock,
    vat,
    verdicts,
)
from hq_server.web.context import WebContext
from hq_server.web.signed_in import actor_seen, session_reader
from shared.web.cookies import read_or_make_secret
from shared.web.pages import Destination
from shared.web.security import StreamedPath
from shared.web.site import Site, create_site

TEMPLATES = Path(__file__).with_name("templates")
STATIC = Path(__file__).with_name("static")
FORM_BYTES_AROUND_FILE = 65_536

PAGES: tuple[BaseRoute, ...] = (
    *health.ROUTES,
    *report_templates.ROUTES,
    *log_in.ROUTES,
    *home.ROUTES,
    # Before a report's own page: its address is longer.
    *proving.ROUTES,
    *reports.ROUTES,
    *receipts.ROUTES,
    *people.ROUTES,
    *roles.ROUTES,
    *products.ROUTES,
    *promotions.ROUTES,
    *promotion_preview.ROUTES,
    *vat.ROUTES,
    *catalog.ROUTES,
    *requests.ROUTES,
    *client_merging.ROUTES,
    *clients.ROUTES,
    *stock.ROUTES,
    *loyalty.ROUTES,
    *dictionaries.ROUTES,
    *client_timeline.ROUTES,
    *letters.ROUTES,
    *erasures.ROUTES,
    *branches.ROUTES,
    *changes.ROUTES,
    *audits.ROUTES,
    *verdicts.ROUTES,
    *conflicts.ROUTES,
    *parked.ROUTES,
    *proposals.ROUTES,
    *hand_over.ROUTES,
    *fleet.ROUTES,
    *fleet_desk.ROUTES,
)
"""Each noun's module names its own routes."""


def create_app(context: WebContext) -> Starlette:
    """The pages of the head office."""
    secret = read_or_make_secret(context.settings.web_secret_path, context.ids)

    def frame(request: Request) -> Mapping[str, Any]:
        actor = actor_seen(request)
        rooms = home.ROOMS if actor is not None and not actor.must_change_password else ()
        return {
            "site_name": context.chain.name,
            "practice": context.settings.is_practice,
            "person": actor,
            "navigation": tuple(
                Destination(room.url, room.name, is_minor=room.url not in home.MAIN_ROOMS)
                for room in rooms
                if actor is not None and room.is_open_to(actor)
            ),
        }

    site = Site(
        routes=PAGES,
        template_folders=(TEMPLATES,),
        secret=secret,
        ids=context.ids,
        frame=frame,
        hosts=frozenset(context.settings.web_host_names),
        static_folders=(STATIC,),
        session_of=session_reader(secret),
        streamed_paths=(StreamedPath(re.compile(re.escape(fleet_desk.IMPORT_PATH)), CARRIED_BYTES_MAX),),
        large_paths={catalog.UPLOAD_PATH: UPLOAD_BYTES_MAX + FORM_BYTES_AROUND_FILE},
    )
    app = create_site(site)
    app.state.context = context
    return app
