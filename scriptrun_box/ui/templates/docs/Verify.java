import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.HexFormat;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

public final class Verify {
    static final long LATEST_SECONDS = 300;

    /** body: the raw bytes as they arrived, before any JSON parser has touched them. */
    public static boolean isFromScriptRun(byte[] body, String header, String secret, long now)
            throws GeneralSecurityException {
        String[] parts = header.split(",");
        String sentAt = "";
        for (String part : parts) {
            if (part.startsWith("t=")) sentAt = part.substring(2);
        }
        if (!sentAt.matches("[0-9]{1,15}")) return false;
        if (Math.abs(now - Long.parseLong(sentAt)) > LATEST_SECONDS) return false;
        Mac mac = Mac.getInstance("HmacSHA256");
        mac.init(new SecretKeySpec(secret.getBytes(StandardCharsets.UTF_8), "HmacSHA256"));
        mac.update((sentAt + ".").getBytes(StandardCharsets.UTF_8));
        byte[] wanted = HexFormat.of().formatHex(mac.doFinal(body)).getBytes(StandardCharsets.UTF_8);
        boolean right = false;
        for (String part : parts) {
            if (part.startsWith("v1=")) {
                byte[] given = part.substring(3).getBytes(StandardCharsets.UTF_8);
                right |= MessageDigest.isEqual(wanted, given);
            }
        }
        return right;
    }
}
