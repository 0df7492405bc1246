//! Computes whether a password fits a stored hash, in any of its forms. Every comparison takes the same time for any
//! content.

use argon2::Block;

use super::format::{BcryptInput, Format};
use crate::secret::{equal, sha256};

/// argon2's blocks, kept between passwords: faulting in fresh pages costs about as much again as hashing does.
#[derive(Default)]
pub struct Memory {
    blocks: Vec<Block>,
}

/// What argon2 was to fill could not be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfMemory;

impl Memory {
    fn blocks(&mut self, count: usize) -> Result<&mut [Block], OutOfMemory> {
        let more = count.saturating_sub(self.blocks.len());
        self.blocks.try_reserve_exact(more).map_err(|_| OutOfMemory)?;
        if more > 0 {
            self.blocks.resize(count, Block::new());
        }
        self.blocks.get_mut(..count).ok_or(OutOfMemory)
    }

    #[cfg(test)]
    pub fn is_used(&self) -> bool {
        !self.blocks.is_empty()
    }

    /// Gives back what is beyond this, which an imported hash asked for once.
    pub fn shrink_to(&mut self, kibibytes: u32) {
        self.blocks.truncate(usize::try_from(kibibytes).unwrap_or(usize::MAX));
        self.blocks.shrink_to_fit();
    }
}

pub fn fits(password: &[u8], format: &Format, memory: &mut Memory) -> Result<bool, OutOfMemory> {
    Ok(match format {
        Format::Argon2 { argon2, salt, hash } => {
            let blocks = memory.blocks(argon2.params().block_count())?;
            let mut made = vec![0; hash.len()];
            let done = argon2.hash_password_into_with_memory(password, salt, &mut made, blocks);
            done.is_ok() && equal(&made, hash)
        }
        Format::Bcrypt { text, input: BcryptInput::Password } => {
            bcrypt::verify(password, text).unwrap_or(false)
        }
        Format::Bcrypt { text, input: BcryptInput::Sha256Hex } => {
            bcrypt::verify(hexadecimal(&sha256(password)), text).unwrap_or(false)
        }
        Format::Scrypt { params, salt, hash } => {
            let mut made = vec![0; hash.len()];
            scrypt::scrypt(password, salt, params, &mut made).is_ok() && equal(&made, hash)
        }
        Format::Pbkdf2 { algorithm, rounds, salt, hash } => {
            aws_lc_rs::pbkdf2::verify(*algorithm, *rounds, salt, password, hash).is_ok()
        }
        Format::Sha512Crypt { params, salt, hash } => {
            let made = sha_crypt::sha512_crypt(password, salt.as_bytes(), *params);
            equal(crypt_base64(&made).as_bytes(), hash.as_bytes())
        }
    })
}

fn hexadecimal(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(value.into(), 16).unwrap_or_default();
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// crypt's own way of writing 64 bytes (Drepper, "Unix crypt using SHA-256 and SHA-512", step 22): three bytes from
/// three places make four characters, the lowest bits first; the last byte stands alone and makes two.
fn crypt_base64(bytes: &[u8; 64]) -> String {
    const ALPHABET: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let byte = |place: usize| bytes.get(place).copied().map_or(0, u32::from);
    let mut text = String::with_capacity(86);
    let mut write = |mut bits: u32, characters: usize| {
        for _ in 0..characters {
            text.push(ALPHABET.get((bits & 63) as usize).copied().map_or('.', char::from));
            bits >>= 6;
        }
    };
    let (mut first, mut second, mut third) = (0, 21, 42);
    for _ in 0..21 {
        write(byte(first) << 16 | byte(second) << 8 | byte(third), 4);
        (first, second, third) = (second + 1, third + 1, first + 1);
    }
    write(byte(63), 2);
    text
}
