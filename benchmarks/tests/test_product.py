"""The environment of the product in a benchmark."""

from benchmarks.contenders.product import product
from core.environment import variables


def test_every_variable_of_the_product_is_one_that_it_reads() -> None:
    names = set(product().environment) - {"DJANGO_SETTINGS_MODULE"}

    assert {name for name in names if not variables.is_known(name)} == set()
