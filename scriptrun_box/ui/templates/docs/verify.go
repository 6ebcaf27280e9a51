package scriptrun

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
)

const latestSeconds = 300

// IsFromScriptRun takes the raw body as it arrived, before any JSON parser has touched it, and the
// time now in seconds: time.Now().Unix().
func IsFromScriptRun(body []byte, header, secret string, now int64) bool {
	parts := strings.Split(header, ",")
	sentAt := ""
	for _, part := range parts {
		if strings.HasPrefix(part, "t=") {
			sentAt = part[2:]
		}
	}
	at, err := strconv.ParseInt(sentAt, 10, 64)
	if err != nil || now-at > latestSeconds || at-now > latestSeconds {
		return false
	}
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(sentAt + "."))
	mac.Write(body)
	wanted := []byte(hex.EncodeToString(mac.Sum(nil)))
	for _, part := range parts {
		if strings.HasPrefix(part, "v1=") && hmac.Equal(wanted, []byte(part[3:])) {
			return true
		}
	}
	return false
}
