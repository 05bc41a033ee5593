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
        """Молоко 2,5 %|Milk 2.5 %|89
Кефир|Kefir|79
Творог 5 %|Curd cheese 5 %|129
Сметана 20 %|Sour cream 20 %|99
Ряженка|Baked yoghurt|85
Йогурт питьевой|Drinking yoghurt|64
Масло сливочное|Butter|219
Сырки глазированные|Glazed curd bars|49""",
    ),
    Category(
        "bread",
        "Хлеб и выпечка",
        "Bread and pastry",
        FOOD,
        False,
        """Хлеб ржаной|Rye bread|54
Батон нарезной|White loaf|49
Лаваш тонкий|Thin flatbread|59
Булочка с маком|Poppy-seed bun|38
Пирожок с капустой|Cabbage pie|52
Слойка с творогом|Curd puff|58
Сушки|Dry bagels|74""",
    ),
    Category(
        "sweets",
        "Сладкое",
        "Sweets",
        STANDARD,
        False,
        """Шоколад молочный|Milk chocolate|119
Печенье овсяное|Oat biscuits|95
Зефир|Marshmallow|139
Пастила яблочная|Apple pastille|149
Вафли|Wafers|88
Мармелад|Fruit jellies|112
Халва|Halva|98
Пряники|Gingerbread|105""",
    ),
    Category(
        "tea",
        "Чай и кофе",
        "Tea and coffee",
        STANDARD,
        False,
        """Чай чёрный|Black tea|159
Чай зелёный|Green tea|169
Иван-чай|Fireweed tea|189
Кофе молотый|Ground coffee|389
Кофе в зёрнах|Coffee beans|549
Какао|Cocoa|179
Цикорий|Chicory|145""",
    ),
    Category(
        "drinks",
        "Напитки",
        "Drinks",
        STANDARD,
        False,
        """Вода с газом|Sparkling water|45
Вода без газа|Still water|42
Сок яблочный|Apple juice|129
Квас|Kvass|89
Морс клюквенный|Cranberry drink|119
Лимонад|Lemonade|75
Сок томатный|Tomato juice|115""",
    ),
    Category(
        "grocery",
        "Бакалея",
        "Groceries",
        FOOD,
        False,
        """Гречка|Buckwheat|99
Рис|Rice|109
Макароны|Pasta|79
Мука|Flour|69
Овсяные хлопья|Oat flakes|64
Масло подсолнечное|Sunflower oil|139
Сахар|Sugar|75
Соль|Salt|29
Пшено|Millet|58""",
    ),
    Category(
        "frozen",
        "Заморозка",
        "Frozen",
        FOOD,
        False,
        """Пельмени|Dumplings|289
Вареники с картофелем|Potato dumplings|199
Блинчики с творогом|Curd pancakes|229
Овощная смесь|Mixed vegetables|149
Ягоды|Berries|259
Наггетсы|Nuggets|239
Мороженое|Ice cream|79""",
    ),
    Category(
        "preserves",
        "Консервы и соусы",
        "Preserves and sauces",
        STANDARD,
        False,
        """Горошек зелёный|Green peas|85
Кукуруза|Sweet corn|92
Тушёнка|Stewed beef|245
Кетчуп|Ketchup|115
Майонез|Mayonnaise|109
Огурцы маринованные|Pickled cucumbers|159
Варенье|Jam|169
Мёд|Honey|349""",
    ),
    Category(
        "fruit",
        "Овощи и фрукты",
        "Fruit and vegetables",
        FOOD,
        True,
        """Яблоки|Apples|119
Бананы|Bananas|139
Картофель|Potatoes|49
Морковь|Carrots|59
Огурцы|Cucumbers|189
Помидоры|Tomatoes|229
Лук репчатый|Onions|45
Капуста|Cabbage|42
Мандарины|Tangerines|199
Груши|Pears|209""",
    ),
    Category(
        "meat",
        "Мясо и птица",
        "Meat and poultry",
        FOOD,
        True,
        """Филе куриное|Chicken breast|379
Голень куриная|Chicken legs|229
Свинина|Pork|419
Говядина|Beef|649
Фарш домашний|Minced meat|399
Индейка|Turkey|449""",
    ),
    Category(
        "deli",
        "Сыр и колбаса",
        "Cheese and sausage",
        STANDARD,
        True,
        """Сыр полутвёрдый|Semi-hard cheese|749
Сыр мягкий|Soft cheese|829
Колбаса варёная|Cooked sausage|489
Колбаса копчёная|Smoked sausage|899
Сосиски|Frankfurters|429
Ветчина|Ham|659""",
    ),
    Category(
        "kitchen",
        "Кулинария",
        "Ready meals",
        STANDARD,
        True,
        """Салат оливье|Vegetable salad|449
Винегрет|Beetroot salad|349
Котлеты|Cutlets|529
Плов|Pilaf|469
Сырники|Curd fritters|499""",
    ),
    Category(
        "fish",
        "Рыба",
        "Fish",
        FOOD,
        True,
        """Минтай|Pollock|289
Сельдь|Herring|319
Горбуша|Pink salmon|449
Скумбрия|Mackerel|389
Креветки|Shrimps|899""",
    ),
    Category(
        "home",
        "Для дома",
        "Household",
        STANDARD,
        False,
        """Порошок стиральный|Washing powder|349
Средство для посуды|Washing-up liquid|129
Губки|Sponges|69
Пакеты для мусора|Bin bags|89
Бумага туалетная|Toilet paper|159
Полотенца бумажные|Paper towels|119
Свечи|Candles|99""",
    ),
    Category(
        "care",
        "Красота и гигиена",
        "Care",
        STANDARD,
        False,
        """Шампунь|Shampoo|229
Мыло|Soap|59
Паста зубная|Toothpaste|139
Крем для рук|Hand cream|149
Гель для душа|Shower gel|189
Щётка зубная|Toothbrush|109""",
    ),
    Category(
        "children",
        "Детям",
        "For children",
        FOOD,
        False,
        """Пюре фруктовое|Fruit purée|65
Каша молочная|Milk porridge|129
Сок детский|Children's juice|49
Печенье детское|Children's biscuits|99
Подгузники|Nappies|899""",
    ),
    Category(
        "pets",
        "Для животных",
        "For pets",
        STANDARD,
        False,
        """Корм для кошек|Cat food|39
Корм для собак|Dog food|249
Наполнитель|Cat litter|299
Лакомство для собак|Dog treats|119""",
    ),
    Category(
        "flowers",
        "Цветы",
        "Flowers",
        STANDARD,
        False,
        """Роза|Rose|149
Хризантема|Chrysanthemum|119
Букет полевой|Wild bunch|499
Фиалка в горшке|Potted violet|249""",
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
