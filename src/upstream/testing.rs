//! A recorder: a raw upstream that keeps every byte and answers from a script.
