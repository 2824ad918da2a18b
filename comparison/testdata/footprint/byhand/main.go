// Command byhand activates a portal session with net/http alone.
package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
)

func main() {
	form := url.Values{"token": {os.Args[4]}}
	req, err := http.NewRequest(http.MethodPost,
		"https://"+os.Args[1]+".chargebee.com/api/v2/portal_sessions/"+url.PathEscape(os.Args[3])+"/activate",
		strings.NewReader(form.Encode()))
	if err != nil {
		fmt.Println(err)
		return
	}
	req.SetBasicAuth(os.Args[2], "")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	var result map[string]any
	fmt.Println(json.NewDecoder(resp.Body).Decode(&result), result)
}
