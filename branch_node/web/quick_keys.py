"""The page on which a manager arranges the till's quick keys: for every register, or for one."""

from __future__ import annotations

from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from branch_node.operations import basket, quick_key_editing
from branch_node.operations.basket import QuickKey
from branch_node.operations.quick_key_editing import Keyboard
from branch_node.web.context import context_of
from branch_node.web.leave import failure_of, status_with
from branch_node.web.people import guarded, register_of, signed_in
from shared.domain.permissions import Permission
from shared.errors import FilialError, InvalidInput
from shared.web.pages import render
from shared.web.request_state import Notice
from shared.web.security import text_of
from shared.web.site import see_other
from shared.web.translations import lazy_text as _

PAGE = "/quick-keys"
GOODS_SHOWN_MAX = 12


def page(request: Request) -> Response:
    """`/quick-keys?register=&q=`: the keys, and goods to make keys of; `at` is the button that has the focus."""
    return _show(request, request.query_params.get("register", ""), request.query_params.get("q", "").strip())


def add(request: Request) -> Response:
    """POST `register`, `sku`, `label`, `group`; `q` is what was looked for."""
    keyboard, text = _keyboard(request), text_of(request, "q")
    try:
        quick_key_editing.add(keyboard, text_of(request, "sku"), text_of(request, "label"), text_of(request, "group"))
    except FilialError as error:
        return _show(request, keyboard.register, text, error)
    return _back(request, keyboard, Notice(_("The key is on the till.")), q=text)


def change(request: Request) -> Response:
    """POST `register`, `position`, and `label` and `group`; or `do` with `up`, `down` or `remove`."""
    keyboard, position, wanted = _keyboard(request), _position(request), text_of(request, "do")
    try:
        if wanted == "remove":
            return _removed(request, keyboard, quick_key_editing.remove(keyboard, position))
        if wanted in ("up", "down"):
            moved = quick_key_editing.move(keyboard, position, wanted == "up")
            return _back(request, keyboard, None, at=f"{wanted}-{moved}")
        quick_key_editing.rename(keyboard, position, text_of(request, "label"), text_of(request, "group"))
    except FilialError as error:
        return _show(request, keyboard.register, "", error)
    return _back(request, keyboard, Notice(_("The key is changed.")), at=f"save-{position}")


def put_back(request: Request) -> Response:
    """POST what a removal took away."""
    keyboard = _keyboard(request)
    sku, label, colour = (text_of(request, name) for name in ("sku", "label", "colour"))
    key = QuickKey(_position(request), sku, label, colour, None, True, text_of(request, "group"), keyboard.register)
    try:
        quick_key_editing.put(keyboard, key)
    except FilialError as error:
        return _show(request, keyboard.register, "", error)
    return _back(request, keyboard, Notice(_("The key is there again.")))


def _removed(request: Request, keyboard: Keyboard, key: QuickKey) -> Response:
    fields = {"register": keyboard.register, "position": str(key.position), "sku": key.sku, "label": key.label}
    fields |= {"colour": key.colour, "group": key.group}
    notice = Notice(_("Removed: %(name)s", name=key.label), f"{PAGE}/put-back", fields)
    return _back(request, keyboard, notice)


def _show(request: Request, register: str, text: str, error: FilialError | None = None) -> Response:
    context = context_of(request)
    keys = basket.list_quick_keys(context.store, register)
    known = quick_key_editing.registers_with_keys(context.store)
    registers = sorted({*known, *filter(None, (register_of(request), register))})
    return render(
        request,
        "quick_keys.html",
        status_code=status_with(error),
        failure=failure_of(error),
        scopes=[(name, f"{PAGE}?{urlencode({'register': name})}" if name else PAGE) for name in ("", *registers)],
        register=register,
        groups=basket.grouped(keys),
        group_names=sorted({key.group for key in keys} - {""}),
        text=text,
        found=basket.find_products(context.store, text, GOODS_SHOWN_MAX) if text else [],
        currency=context.store.node()[0].currency,
        at=request.query_params.get("at", ""),
    )


def _back(request: Request, keyboard: Keyboard, notice: Notice | None, **values: str) -> Response:
    query = urlencode({name: value for name, value in {"register": keyboard.register, **values}.items() if value})
    return see_other(request, f"{PAGE}?{query}" if query else PAGE, notice)


def _keyboard(request: Request) -> Keyboard:
    return Keyboard(context_of(request).store, signed_in(request), text_of(request, "register"))


def _position(request: Request) -> int:
    text = text_of(request, "position")
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise InvalidInput("The page is out of date.", "Load it again and repeat what you did.")
    return int(text)


ROUTES = (
    guarded(PAGE, page, Permission.SETTINGS_BRANCH),
    guarded(PAGE, add, Permission.SETTINGS_BRANCH, methods=["POST"]),
    guarded(f"{PAGE}/change", change, Permission.SETTINGS_BRANCH, methods=["POST"]),
    guarded(f"{PAGE}/put-back", put_back, Permission.SETTINGS_BRANCH, methods=["POST"]),
)
