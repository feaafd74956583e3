# Sourced after setup_env.sh: the small models that the sample, the tests and language identification need.   sets $models
models="${CLEANING_MODELS:-$PWD/models}"
lid="$models/lid.176.ftz"
[ -f "$lid" ] || "$PYTHON" -m cleaning models fetch lid.176.ftz || printf 'no %s: stages that need it will say so\n' "$lid" >&2
sample_models() {  # two small classifiers for the bundled sample, from labelled cases that are not in it; some seconds, once
  cases=tests/cases/judgement
  train() { [ -f "$models/$1" ] || "$PYTHON" -m cleaning models train-classifier --input $cases/*.jsonl --label-field "$2" --positive-value "$3" --output "$models/$1" >"$models/$1.log"; }
  train sample-quality.bin label good
  train sample-ads.bin genre ads
}
