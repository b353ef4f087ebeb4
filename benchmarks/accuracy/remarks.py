"""What is said by hand on the page; figures are put there by `report.py`."""

REMARKS = {
    "head": """
`make accuracy` measures what is missing and writes this page; `make accuracy ARGS="--only glassnet --tables ames"` a
part of it. Everybody has their defaults, and nobody is tuned. A table is built from the public package that is named
below and is checked against the fingerprint in the catalogue; none comes with glassnet.

Five folds, shuffled with seed 0, stratified by class. *nRMSE* is the root of the mean squared error over the standard
deviation of the whole target; *log-loss* is in nats, and no probability counts as less than 1e-7. A mean over tables
is the shifted geometric one, exp(mean(log(x + 0.01))) − 0.01. Everybody's seed is 0. A fit runs in a process of its
own and is ended after ten minutes of processor time for each thread; its time is the processor's, so that what else
runs on the machine matters little: `load` says how much that was.
""",
    "goals": """
For the defaults, over these tables. Behind a figure is its 95 % interval; it does not decide whether the goal is met.
""",
    "overall": """
Of those with results on at least three quarters of the tables, on the tables and folds that all of them have: a rank
counts the error or nRMSE, 1 for the least. Errors are of tables of classes, nRMSE is of quantities.
""",
    "pairs": """
Figures are glassnet's in units of the other's, on the tables and folds that both have, with 95 % intervals: of a
ratio by the bootstrap over tables, of the share won by Wilson. A table is *clearly* won or lost where the paired 95 %
interval over its folds leaves out zero: the corrected resampled t (Nadeau and Bengio 2003). A table with one fold is
never clear.
""",
    "tables": """
Mean over folds ± its standard error, which takes the folds for independent; the least of each table in bold.
""",
    "boosting": """
Of the four the one that errs least on that table, picked by these same folds, which favours it. In brackets the
paired 95 % interval over folds (Nadeau and Bengio 2003); where there is one fold, the figure stands for both ends.
""",
    "times": """
Mean seconds of processor time, over folds.
""",
    "ablation": """
The recipe with one thing changed, in units of the recipe, on the tables and folds that both have: above 1 the recipe
is better, or faster. Intervals are the bootstrap's over tables.
""",
}
