"""What scanners type: numbers with check digits, scales' codes, GS1 elements, receipts, cards, and rubbish."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain import gs1
from shared.domain.barcodes import (
    ClientCode,
    CodePlan,
    Gs1Code,
    PlainCode,
    PricedCode,
    ReceiptCode,
    ScalePlan,
    ScaleRule,
    ScaleValue,
    UnknownCode,
    WeighedCode,
    ean_to_upc,
    lookup_texts,
    parse_code,
    upc_to_ean,
)
from shared.domain.check_digits import check_digit, has_check_digit, value_check_digit
from shared.domain.keyboard_layout import as_latin_keys, as_russian_keys, restore_layout

GS = "\x1d"
GTIN = "04601234567893"
# As the Russian marking system makes them; shoes, then milk.
SHOES = f"01{GTIN}215Abc-de.fgh1>{GS}91EE06{GS}92{'Q' * 43}="
MILK = f"01{GTIN}21aB3'x9{GS}93dGVz{GS}3103001250"
digits = st.text("0123456789", min_size=1, max_size=12)


@pytest.mark.parametrize("text", ["4006381333931", "96385074", "036000291452", "04601234567893"])
def test_a_number_with_its_check_digit_is_a_gtin_of_fourteen_digits(text: str) -> None:
    assert parse_code(text) == PlainCode(text, text.zfill(14))


def test_a_number_with_a_wrong_check_digit_is_the_text_that_it_is() -> None:
    assert parse_code("4006381333932") == PlainCode("4006381333932")
    assert parse_code("TEA-1") == PlainCode("TEA-1")


@given(digits)
def test_any_other_last_digit_is_wrong(body: str) -> None:
    body = body.zfill(12)
    right = check_digit(body)
    assert [last for last in "0123456789" if has_check_digit(body + last)] == [right]


def test_upc_a_and_ean_13_are_found_by_each_other() -> None:
    assert upc_to_ean("036000291452") == "0036000291452"
    assert ean_to_upc("0036000291452") == "036000291452"
    assert upc_to_ean("4006381333931") is None
    assert ean_to_upc("4006381333931") is None
    assert set(lookup_texts(parse_code("036000291452"))) >= {"036000291452", "0036000291452"}
    assert "036000291452" in lookup_texts(parse_code("0036000291452"))
    assert "96385074" in lookup_texts(parse_code("00000096385074"))


def test_the_price_check_digits_are_those_of_the_standards_examples() -> None:
    assert value_check_digit("2875") == "9"
    assert value_check_digit("14685") == "6"
    assert value_check_digit("123") is None


def scaled(body: str) -> str:
    return body + check_digit(body)


def test_a_scales_code_holds_an_item_and_grams() -> None:
    text = scaled("210012301250")
    assert parse_code(text) == WeighedCode(text, "21", "00123", 1_250)
    assert lookup_texts(parse_code(text)) == (scaled("210012300000"), "2100123", "00123", "123")


def test_a_priced_code_holds_an_item_and_an_amount() -> None:
    text = scaled("250012319990")
    assert parse_code(text) == PricedCode(text, "25", "00123", 19_990)


def test_a_codes_own_check_digit_of_the_value_must_be_right() -> None:
    plan = CodePlan(ScalePlan((ScaleRule("26", ScaleValue.AMOUNT_MINOR, has_value_check=True),)))
    good, bad = scaled("260012392875"), scaled("260012382875")
    assert parse_code(good, plan) == PricedCode(good, "26", "00123", 2_875)
    assert isinstance(parse_code(bad, plan), PlainCode)


def test_a_prefix_that_no_rule_names_is_a_whole_code() -> None:
    assert isinstance(parse_code(scaled("290012301250")), PlainCode)


@given(st.integers(20, 24), st.integers(0, 99_999), st.integers(0, 99_999))
def test_whatever_a_scale_prints_is_read_back(prefix: int, item: int, grams: int) -> None:
    code = parse_code(scaled(f"{prefix}{item:05d}{grams:05d}"))
    assert isinstance(code, WeighedCode)
    assert (code.item, code.grams) == (f"{item:05d}", grams)


def test_a_marked_item_keeps_its_serial_and_its_proof() -> None:
    code = parse_code(SHOES)
    assert isinstance(code, Gs1Code)
    assert (code.gtin, code.serial) == (GTIN, "5Abc-de.fgh1>")
    assert code.proof == (("91", "EE06"), ("92", "Q" * 43 + "="))
    assert "4601234567893" in lookup_texts(code)


def test_weighed_marked_goods_hold_their_grams() -> None:
    code = parse_code(MILK)
    assert isinstance(code, Gs1Code)
    assert (code.serial, code.weight_grams, code.proof) == ("aB3'x9", 1_250, (("93", "dGVz"),))


@pytest.mark.parametrize("text", [SHOES, MILK])
@pytest.mark.parametrize(
    "typed",
    [
        lambda text: "]d2" + text,
        lambda text: GS + text,
        lambda text: text.replace(GS, ""),
        lambda text: text.replace(GS, "<GS>"),
        lambda text: as_russian_keys(text) if "," not in text else text,
        lambda text: as_russian_keys("]d2" + text),
        lambda text: text + "\r\n",
    ],
)
def test_every_way_of_typing_a_marked_item_means_the_same(text: str, typed) -> None:  # type: ignore[no-untyped-def]
    meant, read = parse_code(text), parse_code(typed(text))
    assert isinstance(meant, Gs1Code)
    assert isinstance(read, Gs1Code)
    assert read._replace(text="") == meant._replace(text="")


def test_elements_in_brackets_are_read() -> None:
    code = parse_code(f"(01){GTIN}(17)270200(10)LOT(7)(3102)000150")
    assert isinstance(code, Gs1Code)
    assert (code.lot, code.expiry, code.weight_grams) == ("LOT(7)", date(2027, 2, 28), 1_500)


def test_elements_of_fixed_length_need_no_separator() -> None:
    code = parse_code(f"01{GTIN}1727013110L5{GS}3103000250")
    assert isinstance(code, Gs1Code)
    assert (code.expiry, code.lot, code.weight_grams) == (date(2027, 1, 31), "L5", 250)


@given(
    st.text(st.characters(codec="ascii", exclude_categories=["C"], exclude_characters=" "), min_size=1, max_size=12),
    st.text("ABC123", min_size=1, max_size=10),
    st.integers(0, 999_999),
)
def test_whatever_elements_are_joined_are_split_again(serial: str, lot: str, grams: int) -> None:
    elements = {"01": GTIN, "3103": f"{grams:06d}", "10": lot, "21": serial}
    text = f"01{GTIN}3103{grams:06d}10{lot}{GS}21{serial}"
    split = gs1.split_elements(text)
    assert split is not None
    if "93" not in serial:
        assert dict(split) == elements


def test_what_is_finer_than_a_gram_is_rounded() -> None:
    assert gs1.weight_grams({"3105": "000149"}) == 1
    assert gs1.weight_grams({"3104": "000015"}) == 2
    assert gs1.weight_grams({"3100": "000002"}) == 2_000
    assert gs1.weight_grams({"3100": "x"}) is None


@pytest.mark.parametrize("value", ["270230", "271301", "2702", "abcdef"])
def test_a_day_that_is_none_is_no_expiry(value: str) -> None:
    assert gs1.expiry({"17": value}) is None


def test_a_tobacco_pack_holds_a_gtin_and_a_serial() -> None:
    code = parse_code(f"{GTIN}abcDEF!AAA1+x/z")
    assert isinstance(code, Gs1Code)
    assert (code.gtin, code.serial) == (GTIN, "abcDEF!")


@pytest.mark.parametrize("text", ["]d2", f"]d2{GS}", "]d20104601234567890", f"01{GTIN}17{GS}", "(01)123", "]d2xyz"])
def test_a_broken_element_string_is_unknown(text: str) -> None:
    assert isinstance(parse_code(text), UnknownCode)


def test_long_numbers_that_begin_like_elements_stay_what_they_are() -> None:
    assert parse_code("01460123456789055") == PlainCode("01460123456789055")


def test_receipts_are_known_by_their_number_and_by_their_square() -> None:
    assert parse_code("1-000042") == ReceiptCode("1-000042", "1-000042", "1", 42)
    assert parse_code("filial:1:abc") == ReceiptCode("filial:1:abc", "abc")
    assert parse_code(as_russian_keys("filial:1:abc")) == ReceiptCode("filial:1:abc", "abc")


def test_a_clients_card_is_known_by_its_prefix() -> None:
    plan = CodePlan(card_prefixes=("CARD-", "299"))
    assert parse_code("CARD-77", plan) == ClientCode("CARD-77", "77")
    assert parse_code("2990000000015", plan) == ClientCode("2990000000015", "0000000015")
    assert parse_code("CARD-", plan) == PlainCode("CARD-")


@pytest.mark.parametrize("text", ["", "  ", "\0\0", "a\x07b", "x" * 501, "\ud800", GS])
def test_rubbish_is_an_unknown_code_that_can_be_kept(text: str) -> None:
    code = parse_code(text)
    assert isinstance(code, UnknownCode)
    assert code.text.encode() is not None
    assert len(code.text) <= 500


@given(st.text(max_size=600))
def test_nothing_makes_the_parser_fail(text: str) -> None:
    code = parse_code(text, CodePlan(card_prefixes=("7",)))
    assert all(isinstance(found, str) for found in lookup_texts(code))


@given(st.text("0123456789()\x1d]dCe", max_size=80))
def test_nothing_made_of_digits_and_separators_makes_the_parser_fail(text: str) -> None:
    lookup_texts(parse_code(text))
    lookup_texts(parse_code(f"]d201{GTIN}{text}"))


def test_the_layout_is_restored_only_where_russian_letters_are() -> None:
    assert restore_layout("4006381333931") == "4006381333931"
    assert restore_layout("ABC;1") == "ABC;1"
    assert restore_layout("ФИС;1") == "ABC$1"
    assert as_russian_keys("vjkjrj") == "молоко"
    assert as_latin_keys("ьщдщлщ") == "moloko"


@given(st.text("abcdefghijklmnopqrstuvwxyzABCXYZ[];'`~{}<>#$^|", max_size=30))
def test_a_key_that_was_pressed_is_the_key_that_was_meant(text: str) -> None:
    assert as_latin_keys(as_russian_keys(text)) == text
