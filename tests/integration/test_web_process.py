"""`filial-branch serve` as a real process: pages without synchronisation, and who else may reach them."""

from __future__ import annotations

import ssl
import urllib.request
from pathlib import Path

import pytest

from branch_node.storage.store import BranchStore
from deploy.demo import chain as demo_chain
from deploy.demo.chain import Serving
from tests.support.chains import Chain
from tests.support.commands import branch as filial_branch
from tests.support.commands import hq as filial_hq
from tests.support.commands import require_done, require_refusal

SECONDS_MAX = 20


def read(address: str, path: str) -> str:
    with urllib.request.urlopen(f"http://{address}{path}", timeout=SECONDS_MAX) as answer:
        text: str = answer.read().decode()
        return text


def test_pages_are_served_without_synchronisation(
    branch_store: BranchStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo_chain, "start", demo_chain.start_fresh)
    serving = Serving("branch_node", tmp_path, "--no-sync", "--web", "127.0.0.1:0")
    try:
        # Whoever is not logged in is led to the log-in.
        assert 'action="/login"' in read(serving.addresses["web"], "/")
        assert '"status":"ok"' in read(serving.addresses["web"], "/healthz")
        loaded = (Path("/proc") / str(serving.process.pid) / "maps").read_text()
        assert "grpc" not in loaded, "Pages alone need no gRPC, which takes long to load."
    finally:
        serving.stop()
    assert serving.process.returncode == 0


@pytest.mark.parametrize("address", ["0.0.0.0:0", "[::]:0"])
def test_other_machines_are_not_served_without_tls(branch_store: BranchStore, tmp_path: Path, address: str) -> None:
    require_refusal(filial_branch(tmp_path, "serve", "--no-sync", "--web", address), "certificate", "--insecure-web")


def test_other_machines_are_served_with_a_certificate_of_the_chain(
    branch_store: BranchStore, tmp_path: Path, own_chain: Chain
) -> None:
    office = own_chain.office.home
    require_done(filial_hq(office, "branch", "add", "T1"))
    request = require_done(filial_branch(tmp_path, "web-request", "127.0.0.1", "till.shop")).out
    certificate = require_done(filial_hq(office, "branch", "web-certificate", "T1", give=request)).out
    require_refusal(filial_hq(office, "branch", "web-certificate", "T2", give=request), "T2")
    require_refusal(filial_hq(office, "branch", "web-certificate", "T1", give="nonsense"), "request")
    (tmp_path / "web.crt").write_text(certificate)
    serving = Serving("branch_node", tmp_path, "--no-sync", "--web", "0.0.0.0:0")
    try:
        port = serving.addresses["web"].rpartition(":")[2]
        trusting = ssl.create_default_context(cafile=str(office / "authority.crt"))
        url = f"https://127.0.0.1:{port}/status"
        with urllib.request.urlopen(url, timeout=SECONDS_MAX, context=trusting) as answer:
            assert answer.headers["Set-Cookie"].startswith("__Host-visitor=")
    finally:
        serving.stop()


def test_the_operator_may_insist(branch_store: BranchStore, tmp_path: Path) -> None:
    serving = Serving("branch_node", tmp_path, "--no-sync", "--insecure-web", "--web", "0.0.0.0:0")
    try:
        port = serving.addresses["web"].rpartition(":")[2]
        assert '"status":"ok"' in read(f"127.0.0.1:{port}", "/healthz")
    finally:
        serving.stop()
