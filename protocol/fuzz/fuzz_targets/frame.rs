//! Frames off a stream, compressed or not, until one is none.

#![no_main]

use libfuzzer_sys::fuzz_target;
use weir_protocol::{control, frame, stream};

fuzz_target!(|bytes: &[u8]| {
    let _kind = bytes.first().and_then(|byte| stream::Kind::from_byte(*byte));
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(async {
        let mut stream = bytes;
        while let Ok(read) = frame::read::<control::Up>(&mut stream).await {
            // Somebody may compress better than we do.
            let Ok(written) = frame::encode(&read) else { continue };
            let again = frame::read::<control::Up>(&mut written.as_slice()).await;
            assert!(again.is_ok_and(|again| again == read), "{read:?}");
        }
    });
});
