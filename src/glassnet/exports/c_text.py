"""The parts that a file of C is put together from."""

from glassnet.exports.content import LEAK
from glassnet.nn.activations import Gelu, Selu

# Formulas of h[i], on a number z of type GLASSNET_REAL; R makes a constant one.
ACTIVATIONS = {
    "identity": "",
    "logistic": "R(1) / (R(1) + exp(-z))",
    "tanh": "tanh(z)",
    "relu": "z > 0 ? z : R(0)",
    "silu": "z / (R(1) + exp(-z))",
    "leaky_relu": f"z > 0 ? z : R({LEAK!r}) * z",
    "elu": "z > 0 ? z : expm1(z)",
    "selu": f"z > 0 ? R({Selu.scale!r}) * z : R({Selu.scaled_alpha!r}) * expm1(z)",
    "softplus": "log_one_plus_exp(z)",
    "mish": "z * tanh(log_one_plus_exp(z))",
    "gelu": f"R(0.5) * z * (R(1) + tanh(R({Gelu.root!r}) * (z + R({Gelu.cubic!r}) * (z * z * z))))",
    "sine": "isfinite(z) ? sin(fmin(fmax(z, R(-FARTHEST)), R(FARTHEST))) : (GLASSNET_REAL)NAN",
    "square": "z * z",
    "step": "z > 0 ? R(1) : R(0)",
}
# From scores in p to predictions in p, k of them.
FUNCTIONS = {
    "identity": "",
    "gaussian": "  for (int j = {k} / 2; j < {k}; ++j) p[j] = exp(p[j]);\n",
    "logistic": "  for (int j = 0; j < {k}; ++j) p[j] = 1 / (1 + exp(-p[j]));\n",
    "exponential": "  for (int j = 0; j < {k}; ++j) p[j] = exp(p[j]);\n",
    "softmax": """\
  double top = p[0], sum = 0;
  for (int j = 1; j < {k}; ++j) top = fmax(top, p[j]);
  for (int j = 0; j < {k}; ++j) sum += p[j] = exp(p[j] - top);
  for (int j = 0; j < {k}; ++j) p[j] /= sum;
""",
}

HEADER = """\
/* {kind}, exported by glassnet {version}. C99 with libm; it asks for no memory and keeps no state.

   Declare and call:

{usage}

   x holds, in this order,

{names}

   {missing}

   Networks compute in GLASSNET_REAL: compile with -DGLASSNET_REAL=float or -DGLASSNET_REAL=double to choose another
   than {real}. Link with -lm. */

#include <tgmath.h>

#ifndef GLASSNET_REAL
#define GLASSNET_REAL {real}
#endif
#define R(number) ((GLASSNET_REAL)(number))
"""

LOG_ONE_PLUS_EXP = """\
static GLASSNET_REAL log_one_plus_exp(GLASSNET_REAL z) { return (z > 0 ? z : R(0)) + log1p(exp(-fabs(z))); }
"""

ACTIVATION = """\
static void apply_{name}(GLASSNET_REAL *h, int m) {{
  for (int i = 0; i < m; ++i) {{
    const GLASSNET_REAL z = h[i];
    h[i] = {formula};
  }}
}}
"""

DENSE = """\
/* z = xw + b, or z + xw where it adds; x (d), w (d, m), b (m) or 0. */
static void dense(const GLASSNET_REAL *x, int d, int m, const GLASSNET_REAL *w, const GLASSNET_REAL *b, int adds,
                  GLASSNET_REAL *z) {
  if (!adds)
    for (int i = 0; i < m; ++i) z[i] = b ? b[i] : R(0);
  for (int j = 0; j < d; ++j)
    for (int i = 0; i < m; ++i) z[i] += x[j] * w[j * m + i];
}
"""

NUMBER = """\
/* (cell - mean) / scale; the median where it is missing. */
static GLASSNET_REAL number(double cell, double median, double mean, double scale) {
  return R(((isnan(cell) ? median : cell) - mean) / scale);
}
"""

PIECES = """\
/* How full each piece between two ends is; the median where the cell is missing. */
static void pieces(double cell, double median, int m, const double *ends, const double *filled, GLASSNET_REAL *x) {
  const double value = isnan(cell) ? median : cell;
  for (int i = 0; i < m; ++i)
    x[i] = R(fmin(fmax((value - ends[i]) / (ends[i + 1] - ends[i]), 0.0), 1.0) - filled[i]);
}
"""

ARRAY_VIEW = """\
static void view0(const double *row, GLASSNET_REAL *x) {{
  for (int j = 0; j < {d}; ++j) x[j] = R(row[j]);
}}
"""

ADD = """\
/* What scores say, by the weight of their network. */
static void add(const GLASSNET_REAL *y, double weight, double *total) {{
  double p[{k}];
  for (int j = 0; j < {k}; ++j) p[j] = y[j];
{function}  for (int j = 0; j < {k}; ++j) total[j] += weight * p[j];
}}
"""

MEAN = """\
/* The weighted mean of what the networks say. */
static void mean_prediction(const double *row, double *total) {{
  GLASSNET_REAL x[{width}], y[{k}];
  for (int j = 0; j < {k}; ++j) total[j] = 0;
{calls}}}
"""
MEAN_CALL = """\
  view{view}(row, x);
  network{n}(x, y);
  add(y, {weight}, total);
"""

TWO = """\
  double p[1];
  mean_prediction(x, p);
  probabilities[0] = 1 - p[0];
  probabilities[1] = p[0];
  return p[0] > {threshold};"""

MANY = """\
  int best = 0;
  mean_prediction(x, probabilities);
  for (int j = 1; j < {k}; ++j)
    if (probabilities[j] > probabilities[best]) best = j;
  return best;"""

DRIVER = """\
#include "model.c"
#include <stdio.h>

int main(int argc, char **argv) {{
  double x[{d}], out[{n}];
  FILE *in = argc == 3 ? fopen(argv[1], "rb") : 0, *to = argc == 3 ? fopen(argv[2], "wb") : 0;
  if (!in || !to) return 1;
  while (fread(x, sizeof x, 1, in) == 1) {{
    {call}
    if (fwrite(out, sizeof out, 1, to) != 1) return 1;
  }}
  return fclose(in) || fclose(to);
}}
"""
