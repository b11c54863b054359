{{/* The chart's name. */}}
{{- define "gohub-operator.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* What every object is named after. A release that is called like the chart does not say it twice. */}}
{{- define "gohub-operator.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- $name := include "gohub-operator.name" . }}
{{- if contains $name .Release.Name }}
{{- .Release.Name | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" }}
{{- end }}
{{- end }}
{{- end }}

{{/*
What selects the operator's pods. `app.kubernetes.io/name` is always gohub-operator: the hubs' NetworkPolicies let pods in by it.
*/}}
{{- define "gohub-operator.selector" -}}
app.kubernetes.io/name: gohub-operator
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "gohub-operator.labels" -}}
{{ include "gohub-operator.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "gohub-operator.serviceAccount" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "gohub-operator.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- required "serviceAccount.name must name an account when serviceAccount.create is false" .Values.serviceAccount.name }}
{{- end }}
{{- end }}
