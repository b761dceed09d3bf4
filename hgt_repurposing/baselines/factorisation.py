"""Matrix factorisation of the labels: a baseline that does not use the graph."""

import numpy as np
from implicit.cpu.als import AlternatingLeastSquares
from scipy.sparse import csr_matrix

from hgt_repurposing.baselines.baseline import BaselineInputs, ColumnScores
from hgt_repurposing.baselines.factors import inner_products
from hgt_repurposing.graph.schema import FloatArray, IntArray
from hgt_repurposing.threads import one_blas_thread

ALS_FACTORS = 32
ALS_REGULARIZATION = 10.0
ALS_CONFIDENCE = 10.0
ALS_ITERATIONS = 15


def matrix_factorisation(inputs: BaselineInputs) -> ColumnScores:
    """Weighted matrix factorisation of the labels by alternating least squares.

    Nodes without training pairs have zero vectors, so drugs and diseases held out entirely score 0 throughout.

    Hu, Koren & Volinsky 2008 (eq. 3), as implemented by `implicit`.
    """
    seed = int(inputs.generator.integers(2**31))
    with one_blas_thread():  # implicit warns about BLAS threads, which compete with its own
        model = AlternatingLeastSquares(
            factors=ALS_FACTORS,
            regularization=ALS_REGULARIZATION,
            alpha=ALS_CONFIDENCE,
            iterations=ALS_ITERATIONS,
            use_cg=False,  # the exact solver: there are few labels
            num_threads=1,  # the order of sums must not depend on the machine
            random_state=seed,
        )
        model.fit(csr_matrix(inputs.train, dtype=np.float32), show_progress=False)
    products = inner_products(model.user_factors, model.item_factors)

    def scores(columns: IntArray) -> FloatArray:
        with one_blas_thread():
            return products(columns)

    return scores
