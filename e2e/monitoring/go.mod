// Pins the Prometheus Operator, whose definitions scripts/monitoring.sh takes from its module. Nothing is built here.
module gohub/monitoring

go 1.21

require github.com/prometheus-operator/prometheus-operator v0.85.0
