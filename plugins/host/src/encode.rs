//! A core module, as compilers make it, becomes a component.

use wit_component::ComponentEncoder;

/// Wraps a core module that carries its world, as the SDK's macros put it there.
pub fn component(module: &[u8]) -> Result<Vec<u8>, String> {
    let encoder = ComponentEncoder::default().validate(true).module(module).map_err(|error| format!("{error:#}"))?;
    let mut encoder = encoder;
    encoder.encode().map_err(|error| format!("{error:#}"))
}
