// Verifies deliveries with the official Standard Webhooks library for Go; see ../README.md for the lines it reads and prints.
package main

import (
	"bufio"
	"fmt"
	"net/http"
	"os"
	"strings"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

func outcome(line string) string {
	fields := strings.SplitN(line, "\t", 5)
	if len(fields) != 5 {
		return "refused: a line has five fields"
	}
	webhook, err := standardwebhooks.NewWebhook(fields[0])
	if err != nil {
		return "refused: " + err.Error()
	}
	headers := http.Header{}
	headers.Set(standardwebhooks.HeaderWebhookID, fields[1])
	headers.Set(standardwebhooks.HeaderWebhookTimestamp, fields[2])
	headers.Set(standardwebhooks.HeaderWebhookSignature, fields[3])
	if err := webhook.Verify([]byte(fields[4]), headers); err != nil {
		return "refused: " + err.Error()
	}
	return "verified"
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		fmt.Println(outcome(lines.Text()))
	}
	if err := lines.Err(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
