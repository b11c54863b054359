//! The questions as gRPC carries them, and what they become here.

#![expect(unreachable_pub, reason = "generated from proto/questions.proto")]

tonic::include_proto!("gohub.cluster.v1");
