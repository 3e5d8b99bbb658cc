"""The names of features, splits, signatures, inputs, outputs and files, in one place."""

from __future__ import annotations

from typing import Final

MODEL_NAME: Final = "arxiv_tagger"
# Labels of its versions on a server: the one for everybody, and the one on trial.
STABLE: Final = "stable"
CANARY: Final = "canary"

# Raw features, as ExampleGen writes and the serving signatures read them: a title, an abstract
# and a list of labels, all bytes.
TITLES: Final = "titles"
SUMMARIES: Final = "summaries"
TERMS: Final = "terms"
# Labels that are left out of the vocabulary; a paper may have none.
LEFT_OUT_TERMS: Final = "left_out_terms"

# Splits of the examples artifact.
TRAIN: Final = "train"
VALIDATION: Final = "val"
TEST: Final = "test"
SPLITS: Final = (TRAIN, VALIDATION, TEST)

# Transformed features.
TFIDF: Final = "tfidf"
LABELS: Final = "labels"
UNKNOWN_LABELS: Final = "unknown_labels"
# The share of a text's n-grams that are in the vocabulary.
KNOWN_SHARE: Final = "known_share"

# A number that identifies a paper, to tell which ones a model was trained on.
PAPER_KEY: Final = "paper_key"

# Vocabulary assets of the transform graph.
NGRAM_VOCABULARY: Final = "ngrams"
LABEL_VOCABULARY: Final = "labels"

# Inputs of the Keras model: padded n-gram ids and their weights.
MODEL_IDS: Final = "ids"
MODEL_WEIGHTS: Final = "weights"

# Signatures of the SavedModel, their inputs and their outputs.
SIGNATURE_DEFAULT: Final = "serving_default"
SIGNATURE_CLASSIFY: Final = "classify"
SIGNATURE_EXPLAIN: Final = "explain"
SIGNATURE_PROBABILITIES: Final = "probabilities"
SIGNATURE_EVALUATE: Final = "evaluate"
SIGNATURE_TRANSFORM: Final = "transform_features"
CLASSIFY_METHOD_NAME: Final = "tensorflow/serving/classify"

INPUT_TEXT: Final = "text"
# TF Serving's Classify API insists on this key.
INPUT_EXAMPLES: Final = "inputs"

OUTPUT_LABELS: Final = "labels"
OUTPUT_SCORES: Final = "scores"
OUTPUT_SUGGESTED: Final = "suggested"
OUTPUT_KNOWN_SHARE: Final = KNOWN_SHARE
OUTPUT_CLASSES: Final = "classes"
OUTPUT_PROBABILITIES: Final = "probabilities"
# Before the names of the same without the titles.
OUTPUT_ABSTRACT_ONLY: Final = "abstract_only_"
# What a label's logit is the sum of: the contributions of n-grams, of the rest of them, and of the
# network's biases.
OUTPUT_LOGITS: Final = "logits"
OUTPUT_NGRAMS: Final = "ngrams"
OUTPUT_CONTRIBUTIONS: Final = "contributions"
OUTPUT_REST: Final = "rest"
OUTPUT_BIAS: Final = "bias"
# The cost of explaining grows with the square of the number of texts.
MOST_EXPLAINED: Final = 256

# Files inside artifacts.
CURATION_FILE: Final = "curation.json"
LEFT_OUT_FILE: Final = "labels_left_out.json"
DEAD_LETTERS_FILE: Final = "dead_letters.jsonl"
DATA_CHECK_FILE: Final = "data_check.json"
EPOCHS_FILE: Final = "epochs.jsonl"
# In it, the share of an epoch's time that was spent waiting for batches.
INPUT_WAIT_SHARE: Final = "input_wait_share"
MODEL_SUMMARY_FILE: Final = "model_summary.txt"
PLOTS_DIR: Final = "plots"
TRAIN_KEYS_FILE: Final = "train_keys.npy"
MODEL_INFO_FILE: Final = "model_info.json"
EXTRA_ASSETS_DIR: Final = "assets.extra"
# TF Serving's own name: it replays these requests when it loads a version.
WARMUP_FILE: Final = "tf_serving_warmup_requests"
EVALUATION_FILE: Final = "evaluation.json"
WORDS_FILE: Final = "words.json"
PUSH_MANIFEST_FILE: Final = "pushed_model.json"
BASELINE_BOUNDS_FILE: Final = "baseline_bounds.json"
EVALUATED_LABELS_FILE: Final = "evaluated_labels.json"
NOT_EVALUATED_FILE: Final = "not_evaluated.json"
BASELINES_FILE: Final = "baselines.json"
BASELINE_SCORES_FILE: Final = "scores.npz"
INFRA_REPORT_FILE: Final = "infra_validation.json"
SERVER_LOG_FILE: Final = "server.log"
REPORT_DIR: Final = "report"
REPORT_PAGE_FILE: Final = "index.html"
REPORT_FILE: Final = "report.json"
REPORT_LABELS_FILE: Final = "labels.tsv"

# The curated schema in the image that runs the pipeline in a cloud.
SCHEMA_IN_IMAGE: Final = "/opt/arxiv-tagger/schema/schema.pbtxt"
