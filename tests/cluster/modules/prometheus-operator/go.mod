// Only its files are used: the kinds that the chart's monitoring is made of.
module gemma4.dev/tests/cluster/modules/prometheus-operator

go 1.24

require github.com/prometheus-operator/prometheus-operator v0.82.0
