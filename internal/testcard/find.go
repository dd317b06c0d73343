package testcard

// In says whether a text holds a full card number: digits in one piece, or in the groups in which cards show them. It is for what must not keep one:
// logs, and audits of what is stored.
func In(s []byte) bool {
	for i := 0; i < len(s); i++ {
		if !digit(s[i]) || joined(s[:i]) {
			continue
		}
		number := make([]byte, 0, 24)
		groups := []int{0} // how many digits stand together
		end := i
	digits:
		for j := i; j < len(s) && len(number) < 24; j++ {
			switch {
			case digit(s[j]):
				number, end = append(number, s[j]), j+1
				groups[len(groups)-1]++
			case (s[j] == ' ' || s[j] == '-') && digit(s[j-1]):
				groups = append(groups, 0)
			default:
				break digits
			}
		}
		if alone(s[end:]) && grouped(groups) && len(number) >= Shortest && Valid(string(number)) {
			return true
		}
		i = end - 1
	}
	return false
}

// Shortest is the length of the shortest card number that is looked for; shorter ones cannot be told from other numbers.
const Shortest = 13

// joined says whether what stands before digits joins them to something longer: an id, or the hyphen of one.
func joined(before []byte) bool {
	if n := len(before); n > 1 && before[n-1] == '-' {
		return wordly(before[n-2])
	}
	return len(before) > 0 && wordly(before[len(before)-1])
}

// alone says whether what follows digits does not join them to something longer; a point at the end of a sentence does not.
func alone(rest []byte) bool {
	if len(rest) > 0 && rest[0] == '.' {
		rest = rest[1:]
	}
	return len(rest) == 0 || !wordly(rest[0])
}

// grouped says whether digits stand together as on cards: all of them, or 4-4-4-4, 4-4-4-4-3, 4-6-4 and 4-6-5.
func grouped(groups []int) bool {
	if groups[len(groups)-1] == 0 { // a blank or a hyphen behind the last digit
		groups = groups[:len(groups)-1]
	}
	if len(groups) == 1 {
		return true
	}
	for i, n := range groups {
		last := i == len(groups)-1
		if n > 6 || n < 3 || !last && n != 4 && n != 6 {
			return false
		}
	}
	return groups[0] == 4
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

// wordly says whether a byte joins the digits beside it to something longer, such as an id.
func wordly(c byte) bool {
	return digit(c) || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c == '.' || c >= 0x80
}
