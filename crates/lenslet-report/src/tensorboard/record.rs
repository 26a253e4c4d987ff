//! TFRecord: the frame around every event.

/// A length, its checksum, the bytes, their checksum; all numbers little-endian.
pub(super) fn framed(bytes: &[u8]) -> Vec<u8> {
    let length = (bytes.len() as u64).to_le_bytes();
    let mut frame = Vec::with_capacity(bytes.len() + 16);
    frame.extend(length);
    frame.extend(masked(&length).to_le_bytes());
    frame.extend(bytes);
    frame.extend(masked(bytes).to_le_bytes());
    frame
}

/// CRC-32C, turned and shifted, so that the checksum of a checksum is no checksum of zeros.
fn masked(bytes: &[u8]) -> u32 {
    crc32c::crc32c(bytes).rotate_right(15).wrapping_add(0xA282_EAD8)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What TensorFlow's `TFRecordWriter` makes of `b"lenslet"`.
    #[test]
    fn a_record_is_tensorflows() {
        let hex: String = framed(b"lenslet").iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, TENSORFLOWS);
    }

    const TENSORFLOWS: &str = "0700000000000000bbd79f116c656e736c6574f5324ea1";
}
