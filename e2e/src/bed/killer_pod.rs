//! A pod that kills a program of another one: see [`crate::killer`].

use k8s_openapi::api::core::v1::Pod;
use kube::api::DeleteParams;

use super::namespace::Bed;
use super::wait::eventually;

const NAME: &str = "killer";

impl Bed {
    /// Kills a program in a pod without a word; kubelet starts its container again. The pod itself stays.
    ///
    /// # Panics
    /// When that does not succeed.
    pub async fn kill_program(&self, pod: &str, program: &str) {
        let victim = self.api::<Pod>().get(pod).await.unwrap_or_else(|error| panic!("{pod}: {error}"));
        let node = victim.spec.and_then(|spec| spec.node_name).expect("it has a node");
        let uid = victim.metadata.uid.expect("it has a uid");
        let image = format!("gohub-e2e:{}", env!("CARGO_PKG_VERSION"));
        self.apply(&format!(
            r#"
apiVersion: v1
kind: Pod
metadata: {{ name: {NAME} }}
spec:
  restartPolicy: Never
  hostPID: true
  nodeName: {node}
  automountServiceAccountToken: false
  terminationGracePeriodSeconds: 1
  containers:
    - name: killer
      image: {image}
      imagePullPolicy: IfNotPresent
      args: [kill, --pod, "{uid}", --program, "{program}"]
      securityContext: {{ runAsUser: 0, runAsNonRoot: false, privileged: true }}
"#
        ))
        .await;
        let look = async || {
            let killer = self.api::<Pod>().get(NAME).await.ok();
            killer.and_then(|pod| pod.status?.phase).unwrap_or_default()
        };
        let ended = |phase: &String| phase == "Succeeded" || phase == "Failed";
        if eventually("the killer has ended", look, ended).await == "Failed" {
            panic!("{program} of {pod} was not killed: {}", self.log(NAME).await);
        }
        self.api::<Pod>().delete(NAME, &DeleteParams::default()).await.expect("the killer is deleted");
    }
}
