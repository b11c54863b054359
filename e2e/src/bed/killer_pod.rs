//! A pod that kills a program of another one: see [`crate::killer`].

use k8s_openapi::api::core::v1::Pod;
use kube::api::DeleteParams;
use serde_json::json;

use super::namespace::Bed;
use super::own_pod;
use super::wait::eventually;

const NAME: &str = "killer";

impl Bed {
    /// Kills a program in a pod without a word; kubelet starts its container again. The pod itself stays.
    ///
    /// # Panics
    /// When that does not succeed.
    pub async fn kill_program(&self, pod: &str, program: &str) {
        let (node, uid) = self.whereabouts(pod).await;
        self.begin(&node, &["kill", "--pod", &uid, "--program", program]).await;
        self.ended().await;
    }

    /// Stands a node still: kubelet and these of its pods do nothing for so many seconds. Returns at once.
    ///
    /// # Panics
    /// When one of them is not on that node.
    pub async fn hold_node(&self, node: &str, pods: &[String], seconds: u64) {
        let seconds = seconds.to_string();
        let mut arguments = vec!["hold".to_owned(), "--seconds".to_owned(), seconds];
        for pod in pods {
            let (where_, uid) = self.whereabouts(pod).await;
            assert_eq!(where_, node, "{pod} is elsewhere");
            arguments.extend(["--pod".to_owned(), uid]);
        }
        self.begin(node, &arguments.iter().map(String::as_str).collect::<Vec<_>>()).await;
    }

    /// The node and the uid of a pod.
    async fn whereabouts(&self, pod: &str) -> (String, String) {
        let pod = self.api::<Pod>().get(pod).await.unwrap_or_else(|error| panic!("{pod}: {error}"));
        (pod.spec.and_then(|spec| spec.node_name).expect("it has a node"), pod.metadata.uid.expect("it has a uid"))
    }

    async fn begin(&self, node: &str, arguments: &[&str]) {
        let more = json!({ "hostPID": true, "nodeName": node });
        let security = json!({ "runAsUser": 0, "runAsNonRoot": false, "privileged": true });
        self.apply(&own_pod::manifest(NAME, arguments, &more, &security)).await;
    }

    /// Waits until the killer has done its work, and takes it away.
    ///
    /// # Panics
    /// When it did not succeed.
    pub async fn ended(&self) {
        let look = async || {
            let killer = self.api::<Pod>().get(NAME).await.ok();
            killer.and_then(|pod| pod.status?.phase).unwrap_or_default()
        };
        let ended = |phase: &String| phase == "Succeeded" || phase == "Failed";
        if eventually("the killer has ended", look, ended).await == "Failed" {
            panic!("the killer: {}", self.log(NAME).await);
        }
        self.api::<Pod>().delete(NAME, &DeleteParams::default()).await.expect("the killer is deleted");
    }
}
