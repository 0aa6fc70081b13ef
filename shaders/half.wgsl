// f16 as it is stored: two numbers to a word, the first in its low half. What reads or writes them is put in front of this.
//
//   unpacked(packed(x)) = f16(x)
//
// Packing is done in whole numbers, to the nearest f16 and of two to the even one, so that all adapters round alike: WGSL leaves the
// rounding of its own conversions open. From 65,520 on numbers become infinite, as in IEEE 754. No feature is needed: unpack2x16float is WGSL's own.

fn unpacked(pair : vec2u) -> vec4f {
  return vec4f(unpack2x16float(pair.x), unpack2x16float(pair.y));
}

fn half_of(x : f32) -> u32 {
  let bits = bitcast<u32>(x);
  let size = bits & 0x7fffffffu;
  var rounded = (size + 0xfffu + ((size >> 13u) & 1u) - (112u << 23u)) >> 13u;
  // Below 2⁻¹⁴ numbers lie 2⁻²⁴ apart; `round` takes the even one.
  if (size < 0x38800000u) { rounded = u32(round(abs(x) * 16777216.0)); }
  if (size >= 0x477ff000u) { rounded = select(0x7c00u, 0x7e00u, size > 0x7f800000u); }
  return rounded | ((bits >> 16u) & 0x8000u);
}

fn packed(x : vec4f) -> vec2u {
  return vec2u(half_of(x.x) | (half_of(x.y) << 16u), half_of(x.z) | (half_of(x.w) << 16u));
}
