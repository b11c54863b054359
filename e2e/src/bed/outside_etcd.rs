//! An etcd that is not the operator's: for what a `GoHub` with `etcd.mode: External` promises.

use super::namespace::Bed;
use super::wait::eventually;

const ETCD: &str = r#"
apiVersion: v1
kind: Pod
metadata: { name: etcd, labels: { app: etcd } }
spec:
  automountServiceAccountToken: false
  securityContext: { runAsNonRoot: true, seccompProfile: { type: RuntimeDefault } }
  containers:
    - name: etcd
      image: etcd:v3.6.8
      imagePullPolicy: IfNotPresent
      command:
        - etcd
        - --data-dir=/tmp/etcd
        - --listen-client-urls=http://0.0.0.0:2379
        - --advertise-client-urls=http://etcd:2379
        - --listen-metrics-urls=http://0.0.0.0:2381
      readinessProbe: { httpGet: { path: /readyz, port: 2381 }, periodSeconds: 1 }
      securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: [ALL] } }
---
apiVersion: v1
kind: Service
metadata: { name: etcd }
spec: { selector: { app: etcd }, ports: [{ port: 2379 }] }
"#;

impl Bed {
    /// Starts one at `http://etcd:2379`, without TLS, and waits until it is ready.
    pub async fn outside_etcd(&self) {
        self.apply(ETCD).await;
        eventually("etcd is ready", async || self.is_ready("etcd").await, |ready| *ready).await;
    }
}
