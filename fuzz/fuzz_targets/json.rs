#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| attestream_fuzz::json(data));
