"""Invented goods by category, and which of them stands for a product of the real receipts.

A product of the data set always becomes the same invented one, so what is often bought together stays so. Names,
brands, prices and costs are invented.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from random import Random
from typing import NamedTuple

from deploy.practice.barcodes import piece_barcode, weighed_barcode

FOOD, STANDARD = "food", "standard"
"""Codes of VAT rates."""

MARGIN_PERCENT = (18, 42)
"""Between these lies what a product's price holds above its cost."""

_BRANDS = (
    ("Заречье", "Riverside"),
    ("Добрый хутор", "Good Homestead"),
    ("Светлый двор", "Bright Yard"),
    ("Три сосны", "Three Pines"),
)
_FIRST_ITEM = 10_001


class Category(NamedTuple):
    """A category in both languages; `goods` are `Russian|English|price in roubles`, weighed ones by the kilogram."""

    code: str
    russian: str
    english: str
    vat: str
    weighed: bool
    goods: str


CATEGORIES = (
    Category(
        "dairy",
        "Молочное",
        "Dairy",
        FOOD,
        False,
        "Молоко 2,5 %|Milk 2.5 %|89\nКефир|Kefir|79\nТворог 5 %|Curd cheese 5 %|129\nСметана 20 %|Sour cream 20 %|99\n"
        "Ряженка|Baked yoghurt|85\nЙогурт питьевой|Drinking yoghurt|64\nМасло сливочное|Butter|219\nСырки глазированные|Glazed curd bars|49",
    ),
    Category(
        "bread",
        "Хлеб и выпечка",
        "Bread and pastry",
        FOOD,
        False,
        "Хлеб ржаной|Rye bread|54\nБатон нарезной|White loaf|49\nЛаваш тонкий|Thin flatbread|59\nБулочка с маком|Poppy-seed bun|38\n"
        "Пирожок с капустой|Cabbage pie|52\nСлойка с творогом|Curd puff|58\nСушки|Dry bagels|74",
    ),
    Category(
        "sweets",
        "Сладкое",
        "Sweets",
        STANDARD,
        False,
        "Шоколад молочный|Milk chocolate|119\nПеченье овсяное|Oat biscuits|95\nЗефир|Marshmallow|139\nПастила яблочная|Apple pastille|149\n"
        "Вафли|Wafers|88\nМармелад|Fruit jellies|112\nХалва|Halva|98\nПряники|Gingerbread|105",
    ),
    Category(
        "tea",
        "Чай и кофе",
        "Tea and coffee",
        STANDARD,
        False,
        "Чай чёрный|Black tea|159\nЧай зелёный|Green tea|169\nИван-чай|Fireweed tea|189\nКофе молотый|Ground coffee|389\n"
        "Кофе в зёрнах|Coffee beans|549\nКакао|Cocoa|179\nЦикорий|Chicory|145",
    ),
    Category(
        "drinks",
        "Напитки",
        "Drinks",
        STANDARD,
        False,
        "Вода с газом|Sparkling water|45\nВода без газа|Still water|42\nСок яблочный|Apple juice|129\nКвас|Kvass|89\n"
        "Морс клюквенный|Cranberry drink|119\nЛимонад|Lemonade|75\nСок томатный|Tomato juice|115",
    ),
    Category(
        "grocery",
        "Бакалея",
        "Groceries",
        FOOD,
        False,
        "Гречка|Buckwheat|99\nРис|Rice|109\nМакароны|Pasta|79\nМука|Flour|69\nОвсяные хлопья|Oat flakes|64\n"
        "Масло подсолнечное|Sunflower oil|139\nСахар|Sugar|75\nСоль|Salt|29\nПшено|Millet|58",
    ),
    Category(
        "frozen",
        "Заморозка",
        "Frozen",
        FOOD,
        False,
        "Пельмени|Dumplings|289\nВареники с картофелем|Potato dumplings|199\nБлинчики с творогом|Curd pancakes|229\nОвощная смесь|Mixed vegetables|149\n"
        "Ягоды|Berries|259\nНаггетсы|Nuggets|239\nМороженое|Ice cream|79",
    ),
    Category(
        "preserves",
        "Консервы и соусы",
        "Preserves and sauces",
        STANDARD,
        False,
        "Горошек зелёный|Green peas|85\nКукуруза|Sweet corn|92\nТушёнка|Stewed beef|245\nКетчуп|Ketchup|115\n"
        "Майонез|Mayonnaise|109\nОгурцы маринованные|Pickled cucumbers|159\nВаренье|Jam|169\nМёд|Honey|349",
    ),
    Category(
        "fruit",
        "Овощи и фрукты",
        "Fruit and vegetables",
        FOOD,
        True,
        "Яблоки|Apples|119\nБананы|Bananas|139\nКартофель|Potatoes|49\nМорковь|Carrots|59\nОгурцы|Cucumbers|189\n"
        "Помидоры|Tomatoes|229\nЛук репчатый|Onions|45\nКапуста|Cabbage|42\nМандарины|Tangerines|199\nГруши|Pears|209",
    ),
    Category(
        "meat",
        "Мясо и птица",
        "Meat and poultry",
        FOOD,
        True,
        "Филе куриное|Chicken breast|379\nГолень куриная|Chicken legs|229\nСвинина|Pork|419\nГовядина|Beef|649\nФарш домашний|Minced meat|399\nИндейка|Turkey|449",
    ),
    Category(
        "deli",
        "Сыр и колбаса",
        "Cheese and sausage",
        STANDARD,
        True,
        "Сыр полутвёрдый|Semi-hard cheese|749\nСыр мягкий|Soft cheese|829\nКолбаса варёная|Cooked sausage|489\nКолбаса копчёная|Smoked sausage|899\n"
        "Сосиски|Frankfurters|429\nВетчина|Ham|659",
    ),
    Category(
        "kitchen",
        "Кулинария",
        "Ready meals",
        STANDARD,
        True,
        "Салат оливье|Vegetable salad|449\nВинегрет|Beetroot salad|349\nКотлеты|Cutlets|529\nПлов|Pilaf|469\nСырники|Curd fritters|499",
    ),
    Category(
        "fish",
        "Рыба",
        "Fish",
        FOOD,
        True,
        "Минтай|Pollock|289\nСельдь|Herring|319\nГорбуша|Pink salmon|449\nСкумбрия|Mackerel|389\nКреветки|Shrimps|899",
    ),
    Category(
        "home",
        "Для дома",
        "Household",
        STANDARD,
        False,
        "Порошок стиральный|Washing powder|349\nСредство для посуды|Washing-up liquid|129\nГубки|Sponges|69\nПакеты для мусора|Bin bags|89\n"
        "Бумага туалетная|Toilet paper|159\nПолотенца бумажные|Paper towels|119\nСвечи|Candles|99",
    ),
    Category(
        "care",
        "Красота и гигиена",
        "Care",
        STANDARD,
        False,
        "Шампунь|Shampoo|229\nМыло|Soap|59\nПаста зубная|Toothpaste|139\nКрем для рук|Hand cream|149\nГель для душа|Shower gel|189\nЩётка зубная|Toothbrush|109",
    ),
    Category(
        "children",
        "Детям",
        "For children",
        FOOD,
        False,
        "Пюре фруктовое|Fruit purée|65\nКаша молочная|Milk porridge|129\nСок детский|Children's juice|49\nПеченье детское|Children's biscuits|99\nПодгузники|Nappies|899",
    ),
    Category(
        "pets",
        "Для животных",
        "For pets",
        STANDARD,
        False,
        "Корм для кошек|Cat food|39\nКорм для собак|Dog food|249\nНаполнитель|Cat litter|299\nЛакомство для собак|Dog treats|119",
    ),
    Category(
        "flowers",
        "Цветы",
        "Flowers",
        STANDARD,
        False,
        "Роза|Rose|149\nХризантема|Chrysanthemum|119\nБукет полевой|Wild bunch|499\nФиалка в горшке|Potted violet|249",
    ),
)

_OF_DEPARTMENTS = {
    "GROCERY": ("dairy", "bread", "sweets", "tea", "drinks", "grocery", "frozen", "preserves", "home", "pets"),
    "DRUG GM": ("care", "home", "children"),
    "NUTRITION": ("children", "sweets"),
    "PRODUCE": ("fruit",),
    "MEAT": ("meat",),
    "MEAT-PCKGD": ("meat", "deli"),
    "DELI": ("deli",),
    "PASTRY": ("bread",),
    "SEAFOOD": ("fish",),
    "SEAFOOD-PCKGD": ("fish",),
    "SALAD BAR": ("kitchen",),
    "CHEF SHOPPE": ("kitchen",),
    "RESTAURANT": ("kitchen",),
    "COSMETICS": ("care",),
    "FLORAL": ("flowers",),
    "FROZEN GROCERY": ("frozen",),
}
"""Of which categories the goods of a department become. What is in none – fuel, coupons – is left out."""


@dataclass(frozen=True, slots=True)
class Product:
    """One invented product. The price is of a piece or a kilogram."""

    sku: str
    name: str
    category: str
    barcode: str
    unit: str
    vat: str
    weighed: bool
    price_minor: int
    cost_minor: int


class Goods:
    """The invented catalogue in one language."""

    def __init__(self, language: str, seed: int) -> None:
        self._language = language
        self.by_category: dict[str, list[Product]] = {}
        self.category_names = {
            category.code: category.english if language == "en" else category.russian for category in CATEGORIES
        }
        chance = Random(f"{seed}:goods")
        item = _FIRST_ITEM
        for category in CATEGORIES:
            made = self.by_category[category.code] = []
            for line in category.goods.splitlines():
                brands: tuple[tuple[str, str] | None, ...] = (None,) if category.weighed else _BRANDS
                for brand in brands:
                    made.append(self._make(category, line, brand, str(item), chance))
                    item += 1

    @cached_property
    def products(self) -> list[Product]:
        """All of them, by SKU."""
        return [product for made in self.by_category.values() for product in made]

    def find(self, category: str, beginning: str) -> Product:
        """The first product of a category whose Russian line begins so."""
        given = next(each for each in CATEGORIES if each.code == category)
        place = [line.startswith(beginning) for line in given.goods.splitlines()].index(True)
        return self.by_category[category][place if given.weighed else place * len(_BRANDS)]

    def stand_in(self, product_id: int, department: str | None, kind: str | None) -> Product | None:
        """The invented product for a real one; None when its department is left out."""
        categories = _OF_DEPARTMENTS.get(department or "")
        if categories is None:
            return None
        code = categories[_number(kind or department or "") % len(categories)]
        made = self.by_category[code]
        return made[_number(str(product_id)) % len(made)]

    def _make(self, category: Category, line: str, brand: tuple[str, str] | None, item: str, chance: Random) -> Product:
        russian, english, roubles = line.split("|")
        is_english = self._language == "en"
        name = english if is_english else russian
        if brand is not None:
            name += f" “{brand[1]}”" if is_english else f" «{brand[0]}»"
        # Brands cost a little more or less than each other.
        roubles_here = max(10, round(int(roubles) * chance.uniform(0.88, 1.18))) if brand else int(roubles)
        price_minor = roubles_here * 100 + 90
        cost_minor = price_minor * 100 // (100 + chance.randint(*MARGIN_PERCENT))
        return Product(
            sku=item,
            name=name,
            category=self.category_names[category.code],
            barcode=weighed_barcode(item) if category.weighed else piece_barcode(item),
            unit=("kg" if is_english else "кг") if category.weighed else ("pc" if is_english else "шт"),
            vat=category.vat,
            weighed=category.weighed,
            price_minor=price_minor,
            cost_minor=cost_minor,
        )


def _number(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")
