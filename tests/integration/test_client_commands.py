"""The client's card from the command lines of both programs: every field, what changed, and what is refused."""

from __future__ import annotations

from deploy.demo.chain import Branch
from tests.support.chains import Chain
from tests.support.commands import branch as filial_branch
from tests.support.commands import require_refusal


def test_a_card_with_all_its_fields_is_made_changed_and_shown_by_both_programs(chain: Chain, branch: Branch) -> None:
    company = branch.ask("client", "add", "--name", "Romashka", "--kind", "company", "--tax-number", "7707083893")["id"]
    made = branch.ask(
        "client", "add", "--name", "Anna", "--external-id", branch.code, "--phone", "8 912 345-67-89", "--tag", "vip",
        "--birthday", "31.12.1984", "--company", company, "--position", "director", "--language", "ru",
        "--consent-data", "--consent-data-source", "form", "--no-consent-advertising",
    )["id"]  # fmt: skip
    branch.run(
        "client", "edit", branch.code, "--tag", "loves tea", "--do-not-contact", "--do-not-contact-reason", "asked"
    )
    branch.run("sync", "run")
    for shown in (branch.ask("client", "show", made), chain.office.ask("client", "show", made)):
        assert (shown["birthday"], shown["tags"], shown["company"]) == ("1984-12-31", ["loves tea"], company)
        assert (shown["do_not_contact"], shown["do_not_contact_reason"]) == (True, "asked")
        assert (shown["consents"]["data"]["given"], shown["consents"]["data"]["source"]) == (True, "form")
        assert shown["consents"]["advertising"]["given"] is False
        assert shown["consents"]["advertising"]["at"]
    for told in (branch.ask("client", "history", made), chain.office.ask("client", "history", made)):
        newest, first = told["edits"]
        assert newest["branch"] == branch.code
        tags = next(change for change in newest["changes"] if change["field"] == "tags")
        assert (tags["before"], tags["after"], tags["conflict"]) == (["vip"], ["loves tea"], None)
        assert {change["field"] for change in first["changes"]} >= {"name", "phones", "company_id", "consent_data_at"}
    said = branch.run("client", "history", branch.code)
    assert "tags: vip → loves tea" in said
    assert "birthday: – → 1984-12-31" in said
    refused = filial_branch(branch.home, "client", "edit", made, "--tax-number", "7707083894")
    require_refusal(refused, "wrong digit")
    require_refusal(filial_branch(branch.home, "client", "edit", made, "--company", made), "belongs to a company")
    require_refusal(filial_branch(branch.home, "client", "edit", made, "--owner", "nobody"), "no employee")
    assert branch.ask("client", "edit", made, "--birthday", "")["changed"]
    assert branch.ask("client", "show", made)["birthday"] is None
