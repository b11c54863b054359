//! Generates the gRPC code of the questions between hubs. Needs `protoc` (scripts/ensure.sh installs it).

fn main() -> Result<(), Box<dyn std::error::Error>> {
    tonic_prost_build::compile_protos("proto/questions.proto")?;
    Ok(())
}
