"""Error estimates where values vanish: what is rounding alone, or underflows, may be anything that small."""

import numpy as np
import pytest

from compare.formulas.arithmetic import Tracked, exact
from compare.formulas.precision import roundoff

DTYPES = ["float64", "float32"]


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_product_of_two_zeros_that_are_rounding_alone_may_be_as_large_as_both_errors(dtype):
    u = roundoff(np.dtype(dtype))
    a = Tracked(np.zeros((1, 1)), np.full((1, 1), 3.0), u)
    b = Tracked(np.zeros((1, 1)), np.full((1, 1), 5.0), u)
    for product in (a * b, a @ b):
        assert product.error[0, 0] >= 15.0 * u


@pytest.mark.parametrize(("dtype", "size"), [("float64", 1e-200), ("float32", 1e-30)])
def test_a_square_that_underflows_has_the_error_of_the_smallest_number(dtype, size):
    x = exact(np.array([size], dtype), np.dtype(dtype))
    square = x * x
    assert square.value[0] > 0.0
    assert square.error[0] * square.u >= np.finfo(dtype).smallest_subnormal


def test_a_product_that_is_zero_has_no_error():
    x = exact(np.zeros(1), np.dtype("float64"))
    assert (x * x).error[0] == 0.0
