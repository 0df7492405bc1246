use super::*;

#[test]
fn an_address_is_masked_as_the_contract_says() {
    let cases = [
        ("alice@example.com", "a***e@example.com"),
        ("anna@example.com", "a***a@example.com"),
        ("bob@example.com", "b***@example.com"),
        ("x@example.com", "x***@example.com"),
        ("üöä@example.com", "ü***@example.com"),
        ("\"a@b\"@example.com", "\"***\"@example.com"),
        ("@example.com", "***@example.com"),
    ];
    for (address, masked) in cases {
        assert_eq!(mask_address(address), masked);
    }
}
