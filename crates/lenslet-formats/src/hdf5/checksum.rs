//! The checksum of HDF5's metadata: Bob Jenkins's [lookup3](https://burtleburtle.net/bob/c/lookup3.c),
//! `hashlittle` with the initial value 0.

pub(super) fn checksum(bytes: &[u8]) -> u32 {
    let start = 0xdead_beef_u32.wrapping_add(bytes.len() as u32);
    let mut state = [start; 3];
    // The last twelve bytes, or fewer, are mixed otherwise.
    let whole = bytes.len().saturating_sub(1) / 12 * 12;
    let (body, tail) = bytes.split_at(whole);
    for block in body.chunks_exact(12) {
        add(&mut state, block);
        mix(&mut state);
    }
    if tail.is_empty() {
        return state[2];
    }
    let mut block = [0; 12];
    block[..tail.len()].copy_from_slice(tail);
    add(&mut state, &block);
    finish(&mut state);
    state[2]
}

fn add(state: &mut [u32; 3], block: &[u8]) {
    let (words, _) = block.as_chunks::<4>();
    for (to, &word) in state.iter_mut().zip(words) {
        *to = to.wrapping_add(u32::from_le_bytes(word));
    }
}

fn mix([a, b, c]: &mut [u32; 3]) {
    // lookup3 names the three in turn; here each line says whose turn it is.
    for bits in [[4, 6, 8], [16, 19, 4]] {
        turn(a, c, b, bits[0]);
        turn(b, a, c, bits[1]);
        turn(c, b, a, bits[2]);
    }
}

/// `x -= y; x ^= rot(y, bits); y += z`.
fn turn(x: &mut u32, y: &mut u32, z: &mut u32, bits: u32) {
    *x = x.wrapping_sub(*y) ^ y.rotate_left(bits);
    *y = y.wrapping_add(*z);
}

fn finish([a, b, c]: &mut [u32; 3]) {
    let step = |x: u32, y: u32, bits: u32| (x ^ y).wrapping_sub(y.rotate_left(bits));
    *c = step(*c, *b, 14);
    *a = step(*a, *c, 11);
    *b = step(*b, *a, 25);
    *c = step(*c, *b, 16);
    *a = step(*a, *c, 4);
    *b = step(*b, *a, 14);
    *c = step(*c, *b, 24);
}

#[cfg(test)]
mod tests {
    use super::checksum;

    /// The values in lookup3.c's own comments and tests.
    #[test]
    fn it_is_lookup3() {
        assert_eq!(checksum(b""), 0xdead_beef);
        assert_eq!(checksum(b"Four score and seven years ago"), 0x1777_0551);
    }
}
